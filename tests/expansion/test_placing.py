from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.cards import image_card
from tagkit.expansion.placing import Places, places, rank_of, typed
from tagkit.linting import lint, shipped_lexicon
from tagkit.prompt import parse

LEXICON = shipped_lexicon()
BAXL = image_card("baxl-v3")
NAMES = ["solo", "smile", "blue theme", "masterpiece", "hat (object)", ":3", "holding"]


def filled(text: str, *names: str, card: str = "baxl-v3") -> str:
    own = image_card(card)
    spelt = [(typed(name, "a1111") or name, rank_of(name, own, LEXICON)) for name in names]
    return places(parse(text), own, LEXICON).filled(spelt)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("1girl", "1girl, smile, holding"),
        ("1girl, masterpiece", "1girl, smile, holding, masterpiece"),
        ("1girl, grin, masterpiece", "1girl, grin, smile, holding, masterpiece"),
        ("masterpiece", "smile, holding, masterpiece"),
        ("1girl, (grin, hat:1.2), newest", "1girl, (grin, hat:1.2), smile, holding, newest"),
        ("1girl, grin, <lora:a:1>", "1girl, grin, smile, holding, <lora:a:1>"),
        ("1girl, grin # words\nnewest", "1girl, grin, smile, holding # words\nnewest"),
        ("1girl, unknown thing, masterpiece", "1girl, unknown thing, smile, holding, masterpiece"),
        ("1girl, grin,\n", "1girl, grin, smile, holding,\n"),
        ("1girl BREAK grin", "1girl BREAK grin, smile, holding"),
        ("", "smile, holding"),
        ("<lora:a:1>", "smile, holding, <lora:a:1>"),
    ],
)  # fmt: skip
def test_general_tags_stand_behind_general_tags(text: str, after: str) -> None:
    assert filled(text, "smile", "holding") == after


def test_each_group_has_its_place() -> None:
    text = "1girl, grin, masterpiece"
    assert filled(text, "smile", "solo") == "1girl, solo, grin, smile, masterpiece"
    assert filled(text, "blue theme") == "blue theme, 1girl, grin, masterpiece"
    assert filled("grin", "solo", "blue theme") == "blue theme, solo, grin"


def test_another_card_has_another_order() -> None:
    text = "1girl, masterpiece"
    assert filled(text, "smile", card="kohaku-delta") == "1girl, masterpiece, smile"


def test_brackets_are_escaped() -> None:
    assert filled("1girl", "hat (object)") == r"1girl, hat \(object\)"


def test_an_emoticon_at_the_end_does_not_weigh_the_prompt() -> None:
    assert filled("1girl", ":3") == "1girl, :3,"
    assert filled("1girl, masterpiece", ":3") == "1girl, :3, masterpiece"


def test_what_cannot_be_typed_as_one_tag() -> None:
    assert typed("shiroko (blue archive)", "a1111") == r"shiroko \(blue archive\)"
    assert typed("^_^", "a1111") == "^_^"
    for name in ("a # b", "<lora:x:1>", ""):
        assert typed(name, "a1111") is None


@given(
    st.lists(
        st.sampled_from(["1girl", "(grin:1.2)", "masterpiece", "[a|b]", " BREAK ", "x", "(", "\n"])
    ),
    st.lists(st.sampled_from(NAMES), unique=True),
)
def test_the_text_is_kept_and_every_tag_is_there(parts: list[str], names: list[str]) -> None:
    text = ", ".join(parts)
    after = filled(text, *names)
    rest = iter(after)
    assert all(letter in rest for letter in text), "the text is what is left without insertions"
    assert len(after) >= len(text) + sum(map(len, names))


@given(st.lists(st.sampled_from(NAMES), unique=True))
def test_lint_has_nothing_to_say_on_the_order(names: list[str]) -> None:
    after = filled("1girl, grin, best quality", *names)
    assert not [each for each in lint(after).diagnostics if each.code in ("ORD101", "SYN105")]


def test_no_rank_is_lost() -> None:
    assert Places("", "a1111", (), None).filled([]) == ""
    assert rank_of("no such tag", BAXL, LEXICON) == rank_of("smile", BAXL, LEXICON)
