"""The same prompts as dynamicprompts makes, and better ones where its users complain."""

import json
import warnings
from pathlib import Path
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tagkit.errors import UserError
from tagkit.prompt.templates import Wildcards, draw, draw_all, missing_wildcards

pytest.importorskip("dynamicprompts")

MOST = 400
FILES = {
    "color.txt": "red\nblue\n{dark|light} green\n",
    "sub/deep.txt": "x\ny\n",
    "clothes/head.txt": "hat\n",
    "clothes/top.txt": "shirt\n",
    "coat.txt": "summer dress\n${season} coat\n",
    "sea.yaml": "summer: [sun, beach]\nwinter: snow\nnest: {deep: [a, b, '{c|d}']}\n",
    "any.json": '{"numbers": ["one", "two"]}',
}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("wildcards")
    for name, content in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return root


def theirs(text: str, root: Path | None = None) -> list[str]:
    """All prompts of dynamicprompts, each once, values in the order of the file."""
    from dynamicprompts.generators import CombinatorialPromptGenerator
    from dynamicprompts.wildcards import WildcardManager

    manager = WildcardManager(root)
    manager.sort_wildcards = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        generator = CombinatorialPromptGenerator(wildcard_manager=manager)
        return list(dict.fromkeys(generator.generate(text, MOST)))


def ours(text: str, root: Path | None = None) -> list[str]:
    return list(draw_all(text, Wildcards([root] if root else [])))


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "{a|b}",
        "{ a | b }",
        "x { a| b|c } y",
        "{a|}",
        "{|}",
        "{a||b}",
        "{a|a|b}",
        "{0.5::a|b}",
        "{3::a|.5::b|2.::c}",
        "{0.5::a|}",
        "{0.5:: a|b}",
        "{a,b|c,d}",
        "{1:a|b}",
        "{::a|b}",
        "{2$$a|b|c}",
        "{2$$ 1| 2| 3} {2$$ 1| 2| 3}",
        "{ 2$$a|b}",
        "{2$$a|a|b}",
        "{2$$, $$a|b|c}",
        "{ 2$$ , $$ a| b}",
        "{1-2$$ and $$a|b|c}",
        "{-2$$a|b|c}",
        "{1-$$a|b|c}",
        "{0-1$$a|b|c}",
        "{0$$a|b}",
        "{2-1$$a|b|c}",
        "{5$$a|b|c}",
        "{2$$a}",
        "{2$$}",
        "{2$$|$$b|c}",
        "{2$$a$$b|c}",
        "{2$$,$$|b|c}",
        "{3$$,$$a||c}",
        "{2$$, $$a, |b}",
        "{a|{b|c} {d|e}}",
        "{ {a|b} |c}",
        "{{a|b}|{2$$c|d}}",
        "{a|b} } c",
        "x } y",
        "{(a:1.2)|b}",
        "{[a]|b}",
        "a | b, [c|d]",
        "<lora:{a|b}:1>",
        "a\n{b|c\n} d",
        "${x=a}${x} ${x}",
        "${x={a|b}}${x} ${x}",
        "${x:a}",
        "${x:{a|b}}",
        "${x?=a}${x}",
        "${x=b}${x=a}${x}",
        "${ x = b }[${ x }]",
        "${x=${y}}${y=1}${x}",
        "%{a ... b$$c}",
        "%{a … b$$c}",
        "%{a....b$$c}",
        "%{a b$$c}",
        "%{{p|q} ... r$$ {x|y} }",
        "{!a|b}",
        "__color__",
        "a __color__ b",
        "a__color__b",
        "__color____sub/deep__",
        "__sub/deep__",
        "__deep__",
        "__clothes/*__",
        "__clothes/**__",
        "__cl*/h*__",
        "__summer__",
        "__winter__",
        "__nest/deep__",
        "__numbers__",
        "{__color__|z}",
        "{2$$__sub/deep__}",
        "{2$$ and $$__color__}",
        "{2$$__color__|z}",
        "{1-2$$__sub/deep__|__summer__}",
        "__coat(season=winter)__",
        "__coat(season={winter|autumn})__",
        "__coat(season=__sub/deep__)__",
        "${season=mild}__coat__",
        "__${k:color}__",
        "__{color|color}__",
    ],
)
def test_the_same_prompts(text, root):
    assert sorted(ours(text, root)) == sorted(theirs(text, root))
    if "clothes/*" not in text:
        assert ours(text, root) == theirs(text, root)


# Templates as trees: a number stands for a word that occurs nowhere else.
WORDS = st.sampled_from(["{} ", " {}", "{}", "a {}, b", "({}:1.2)", "[{}]", "<lora:{}:1>", "\n{}"])
WEIGHT = st.sampled_from(["", "", "2::", "0.5::", ".5::"])
HEAD = st.sampled_from(["1$$", "2$$", "1-2$$", "-2$$", "2-$$", "2$$ and $$", "0-1$$, $$", "3$$|$$"])


def _groups(parts):
    options = st.lists(st.tuples(WEIGHT, parts), min_size=2, max_size=3)
    return st.tuples(st.just(""), options) | st.tuples(HEAD, options)


TREES = st.recursive(
    WORDS, lambda trees: st.lists(WORDS | _groups(trees), min_size=1, max_size=3), max_leaves=8
)


def written(tree, words) -> str:
    match tree:
        case str():
            return tree.format(f"w{next(words)}")
        case (str() as head, list() as options):
            body = "|".join(weight + written(option, words) for weight, option in options)
            return "{" + head + body + "}"
        case _:
            return "".join(written(part, words) for part in tree)


@given(TREES)
@settings(max_examples=300)
def test_the_same_prompts_of_any_variants(tree):
    text = written(tree, iter(range(1000)))
    try:
        mine = list(draw_all(text, Wildcards(), limit=MOST - 1))
    except UserError:
        assume(False)
    assert mine == theirs(text)


@given(TREES, st.integers(0, 99))
def test_what_is_drawn_is_one_of_theirs(tree, seed):
    text = written(tree, iter(range(1000)))
    all_of_them = theirs(text)
    assume(len(all_of_them) < MOST)
    assert draw(text, Random(seed), Wildcards()) in all_of_them


def test_the_vectors_of_their_own_tests(shared_data):
    path = shared_data.parent / "conformance" / "grammar_vectors.json"
    vectors = [
        vector
        for vector in json.loads(path.read_text(encoding="utf-8"))
        if vector["dialect"] == "dynamicprompts-combinatorial"
    ]
    assert vectors
    for vector in vectors:
        assert ours(vector["prompt"]) == vector["expected"]


# What its users complain of. Each also shows that the complaint stands, so that the page that
# tells of it can be changed when it no longer does.


def test_braces_and_pipes_can_be_escaped():
    assert ours(r"{a\|b|c}, \{d\|e\}") == [r"a|b, {d\|e}", r"c, {d\|e}"]
    assert theirs(r"{a\|b|c}") == ["a\\", "b", "c"]


def test_faces_with_pipes_are_tags():
    assert ours("{|_||smile}, ||_||") == ["|_|, ||_||", "smile, ||_||"]
    assert "|_|, ||_||" not in theirs("{|_||smile}, ||_||")


def test_alternation_inside_a_variant_is_not_cut():
    assert ours("{[cat|dog]|fox}") == ["[cat|dog]", "fox"]
    assert theirs("{[cat|dog]|fox}") == ["[cat", "dog]", "fox"]


def test_underscores_in_network_names_are_no_wildcards(root):
    text = "<lora:my__color__x:1>"
    assert ours(text, root) == [text]
    assert theirs(text, root) != [text]


def test_two_underscores_alone_are_no_error():
    assert ours("a__b {c|d}") == ["a__b c", "a__b d"]
    with pytest.raises(Exception, match="Expected"):
        theirs("a__b {c|d}")


def test_dollars_and_percent_signs_are_no_error():
    assert ours("$5, 50% {a|b}") == ["$5, 50% a", "$5, 50% b"]
    with pytest.raises(Exception, match="Expected"):
        theirs("$5, 50% {a|b}")


def test_weights_do_not_leak_into_prompts(root):
    assert ours("{ 0.5 :: a|b}") == [" a", "b"]
    assert theirs("{ 0.5 :: a|b}") == ["0.5 :: a", "b"]
    (root / "heavy.txt").write_text("3::red\nblue\n")
    assert ours("__heavy__", root) == ["red", "blue"]
    assert theirs("__heavy__", root) == ["3::red", "blue"]


def test_values_lighter_than_one_are_enumerated(root):
    (root / "light.yaml").write_text("light: [0.5::red, blue]")
    assert ours("__light__", root) == ["red", "blue"]
    assert theirs("__light__", root) == ["blue"]


def test_yaml_shorthand(root):
    (root / "short.yaml").write_text("one: red\nmany:\n  - 2::red\n  - no\n  - 1.50\n")
    assert ours("__one__ __many__", root) == ["red red", "red no", "red 1.50"]
    assert theirs("__one__ __many__", root) == ["red red"]


def test_missing_wildcards_are_errors(root):
    with pytest.raises(UserError, match="there is no wildcard `__hat__`"):
        ours("a __hat__", root)
    assert theirs("a __hat__", root) == ["a __hat__"]
    assert [each.name for each in missing_wildcards("a __hat__", Wildcards([root]))] == ["hat"]


def test_separators_may_be_wildcards(root):
    assert ours("{2$$__sub/deep__$$a|b}", root) == ["axb", "bxa", "ayb", "bya"]
    assert theirs("{2$$__sub/deep__$$a|b}", root) == ["a__sub/deep__b", "b__sub/deep__a"]


def test_all_values_of_a_variable_chosen_once_are_enumerated():
    assert ours("${x=!{a|b}}${x}${x}") == ["aa", "bb"]
    assert theirs("${x=!{a|b}}${x}${x}") == ["aa"]


def test_an_argument_may_have_the_name_of_a_variable(root):
    assert ours("${season=mild}__coat(season=${season})__", root)[1] == "mild coat"
    with pytest.raises(RecursionError):
        theirs("${season=mild}__coat(season=${season})__", root)


def test_a_group_of_one_keeps_its_braces():
    assert ours("{prompt}, {{a|b}}") == ["{prompt}, {a}", "{prompt}, {b}"]
    assert theirs("{prompt}, {{a|b}}") == ["prompt, a", "prompt, b"]
