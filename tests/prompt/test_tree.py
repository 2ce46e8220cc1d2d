"""The prompt tree: lossless, tolerant, and right about tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.prompt import DIALECTS, Bracket, Choice, Segment, Stray, Wildcard, canonical, parse
from tagkit.prompt.grammars import GRAMMARS
from tagkit.prompt.lexer import MAX_DEPTH, tokens_of

GRAMMAR = st.lists(
    st.sampled_from(
        [*"()[]{}<>|:,\\#\"'_ \n\r", "BREAK", "AND", "1.2", ":1.3)", "a", "smile", "long_hair"]
        + ["<lora:x:0.8>", "__place__", ":)", ";(", "，", "🦊", "日本", "\x00"]
    ),
    max_size=25,
).map("".join)
NOVELAI = st.lists(st.sampled_from([*"{}[],: ", "1.2::", "::", "-1::", "a", "b c"]), max_size=20)
COMPEL = st.lists(st.sampled_from([*'(),"+- .\\', "1.2", "++", "a", "b-c"]), max_size=20)
ANY_TEXT = GRAMMAR | NOVELAI.map("".join) | COMPEL.map("".join) | st.text(max_size=60)
DIALECT = st.sampled_from(DIALECTS)


@given(ANY_TEXT, DIALECT)
def test_the_text_comes_back(text, dialect):
    assert str(parse(text, dialect)) == text


@given(ANY_TEXT, DIALECT)
def test_tokens_cover_the_text_without_a_gap(text, dialect):
    tokens = tokens_of(text, GRAMMARS[dialect])
    ends = [0, *(token.end for token in tokens)]
    assert [token.start for token in tokens] == ends[:-1]
    assert ends[-1] == len(text)


@given(ANY_TEXT, DIALECT)
def test_children_lie_inside_their_parents_and_do_not_overlap(text, dialect):
    for node in parse(text, dialect).nodes():
        children = node.nodes if isinstance(node, Segment) else ()
        if isinstance(node, Bracket):
            children = node.segments
        if isinstance(node, Choice):
            children = [segment for option in node.options for segment in option]
        at = node.span.start
        for child in children:
            assert at <= child.span.start <= child.span.end <= node.span.end
            at = child.span.end


@given(ANY_TEXT, DIALECT)
def test_tags_are_trimmed_and_named_by_their_text(text, dialect):
    for tag in parse(text, dialect).tags:
        written = text[tag.span.start : tag.span.end]
        assert written.strip() == written != ""
        assert tag.name == canonical(written)


def names(text, dialect="a1111"):
    return [tag.name for tag in parse(text, dialect).tags]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"1girl, (shiroko \(blue archive\):1.2)", ["1girl", "shiroko (blue archive)"]),
        ("Long_Hair,  blue   eyes", ["long hair", "blue eyes"]),
        ("1girl, ^_^, o_o, :3", ["1girl", "^_^", "o_o", ":3"]),
        ("smile, :)", ["smile", ":)"]),
        (";(, smile", [";(", "smile"]),
        ("(smile, :)", ["smile"]),
        ('"a, b", c', ['"a, b"', "c"]),
        ("a # b, c\nd", ["a", "d"]),
        ("<lora:a_b:0.8>, x", ["x"]),
        ("artist:someone, re:zero", ["artist:someone", "re:zero"]),
        ("a BREAK b AND c", ["a", "b", "c"]),
        ("breakfast, BREAKFAST", ["breakfast", "breakfast"]),
    ],
)
def test_names(text, expected):
    assert names(text) == expected


def test_sections_are_parted_at_the_top_only():
    sections = [tag.section for tag in parse("a BREAK (b BREAK c) AND d").tags]
    assert sections == [0, 1, 1, 2]


def test_alternatives_never_meet_and_others_do():
    a, b, c = parse("{a|b}, c").tags
    assert not a.meets(b)
    assert a.meets(c)
    assert c.meets(b)
    assert not parse("a BREAK b").tags[0].meets(parse("a BREAK b").tags[1])


@pytest.mark.parametrize(
    ("text", "kind", "options"),
    [
        ("[a:b:0.5]", "schedule", [["a"], ["b"]]),
        ("[b:5]", "schedule", [[], ["b"]]),
        ("[a::5]", "schedule", [["a"], []]),
        ("[a|b|]", "alternate", [["a"], ["b"], []]),
        ("{a, b|c}", "variants", [["a", "b"], ["c"]]),
    ],
)
def test_choices(text, kind, options):
    choice = next(node for node in parse(text).nodes() if isinstance(node, Choice))
    assert choice.kind == kind
    found = [[tag.name for each in option for tag in each.tags] for option in choice.options]
    assert found == options


def test_a_bracket_knows_its_number():
    text = "( smile: 1.2 )"
    bracket = next(node for node in parse(text).nodes() if isinstance(node, Bracket))
    assert (bracket.factor, text[bracket.number.start : bracket.number.end]) == (1.2, "1.2")
    assert text[bracket.inner.start : bracket.inner.end] == " smile"


def test_weights_multiply():
    weights = {tag.name: tag.weight for tag in parse("(a (b:1.3):0.5), [c], {d}").tags}
    assert weights == pytest.approx({"a": 0.5, "b": 0.65, "c": 1 / 1.1, "d": 1.0})


@pytest.mark.parametrize(
    ("text", "strays"),
    [("(a", ["("]), ("a)", [")"]), ("[a, (b]", ["("]), ("a:1.2)", [":1.2)"]), ("(a), [b]", [])],
)
def test_stray_brackets(text, strays):
    found = [node.span for node in parse(text).nodes() if isinstance(node, Stray)]
    assert [text[span.start : span.end] for span in found] == strays


def test_wildcards_and_networks_are_no_tags():
    prompt = parse("__place/indoor__, <lora:my_style:0.8:1>, a")
    assert [node.name for node in prompt.nodes() if isinstance(node, Wildcard)] == ["place/indoor"]
    assert [(each.kind, each.name, each.args) for each in prompt.networks] == [
        ("lora", "my_style", ("0.8", "1"))
    ]


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("<lora:x>", (1.0, 1.0)),
        ("<lora:x:0.8>", (0.8, 0.8)),
        ("<lora:x:0.8:0.5>", (0.8, 0.5)),
        ("<lora:x:0.8:0.5:16>", (0.8, 0.5)),
        ("<lora:x:unet=0.5>", (1.0, 0.5)),
        ("<lora:x:te=0.3:unet=0.5:dyn=8>", (0.3, 0.5)),
    ],
)
def test_a_loras_weights(text, weights):
    (network,) = parse(text).networks
    assert network.weights == weights


def test_endless_brackets_neither_fail_nor_recurse():
    text = "(" * 50_000 + "a" + ")" * 50_000
    prompt = parse(text)
    assert str(prompt) == text
    deep = [node for node in prompt.nodes() if isinstance(node, Bracket)]
    assert len(deep) == MAX_DEPTH


def test_real_prompts_come_back(real_prompts):
    for text in real_prompts:
        assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        ("comfyui", "(a, b:1.3), ((c:1.2)), [d]", {"a": 1.3, "b": 1.3, "c": 1.2, "[d]": 1.0}),
        ("comfyui", "(a (b:1.3):0.5), (c) // note", {"a": 0.5, "b": 1.3, "c": 1.1}),
        ("novelai", "{{a}}, [b], (c)", {"a": 1.1025, "b": 1 / 1.05, "(c)": 1.0}),
        ("novelai", "1.2::a, b::, c, -1::d", {"a": 1.2, "b": 1.2, "c": 1.0, "d": -1.0}),
        ("novelai", "1.2::a 0.5::b", {"a": 1.2, "b": 0.5}),
        ("novelai", "artist:x, 1girl", {"artist:x": 1.0, "1girl": 1.0}),
        ("compel", "a++, (b c)1.3, d-, (e)", {"a": 1.21, "b c": 1.3, "d": 0.9, "e": 1.0}),
        ("compel", '"b, c"+, x-ray', {"b, c": 1.1, "x-ray": 1.0}),
    ],
)
def test_weights_of_other_dialects(dialect, text, expected):
    weights = {tag.name: tag.weight for tag in parse(text, dialect).tags}
    assert weights == pytest.approx(expected)
