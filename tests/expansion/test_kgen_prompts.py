"""The texts for tag models, byte for byte against those of kgen, the models' own program.

The texts stand in `kgen_prompts.json`, written by `scripts/build_kgen_prompts.py`. What differs is
listed in `corrected`, and is a mistake of kgen's: the trainers' code writes what tagkit writes.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tagkit.cards import tag_card, tag_cards
from tagkit.expansion.recipes import model_text, tags_of
from tagkit.linting import shipped_lexicon
from tagkit.prompt import escaped, parse

if TYPE_CHECKING:
    from tagkit.cards import TagLayout

LEXICON = shipped_lexicon()
CASES = json.loads(Path(__file__).with_name("kgen_prompts.json").read_text(encoding="utf-8"))


def written(case: dict[str, Any]) -> str:
    """The text that tagkit makes of the case's prompt, typed as a user of A1111 types it."""
    card = tag_card(case["card"])
    prompt = ", ".join([*map(escaped, case["tags"]), *filter(None, [case["prose"]])])
    width, height = case["size"]
    length = card.lengths[case["length"].replace("_", "-")]
    return model_text(tags_of(parse(prompt), LEXICON), width / height, length, card.layout)


def corrected(text: str, layout: TagLayout) -> str:
    """kgen's text without its mistakes."""
    # An empty list of quality words stays an empty value, where the page asks for <|empty|>.
    text = re.sub(r"^quality: $", "quality: <|empty|>", text, flags=re.MULTILINE)
    # A comma stands between people counts and general tags even where there are none of one.
    text = re.sub(r"^general: , ", "general: ", text, flags=re.MULTILINE)
    text = text.replace(", <|input_end|>", "<|input_end|>")
    if layout.end_of_input:
        return text
    # With no tag the line for tags is not begun, and the model is left to begin any.
    if not re.search(r"^tag:", text, re.MULTILINE):
        text += "\ntag:"
    # The last tag is left open, and the model may go on with its letters.
    return text if text.endswith("tag:") else f"{text},"


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{n}-{case['card']}-{case['length']}" for n, case in enumerate(CASES)]
)
def test_texts_are_kgens(case: dict[str, Any]) -> None:
    assert written(case) == corrected(case["text"], tag_card(case["card"]).layout)


def test_every_card_and_length_is_compared() -> None:
    hubs = {card.name for card in tag_cards().values() if card.weights.hub}
    assert {(case["card"], case["length"]) for case in CASES} == {
        (card, length) for card in hubs for length in ("very_short", "short", "long", "very_long")
    }


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestWarning")
def test_the_texts_are_those_of_kgen_itself() -> None:
    pytest.importorskip("kgen", reason="kgen is not installed")
    scripts = Path(__file__).parents[2] / "scripts"
    sys.path.insert(0, str(scripts))
    try:
        made = __import__("build_kgen_prompts").cases()
    finally:
        sys.path.remove(str(scripts))
    assert json.loads(json.dumps(made)) == CASES


@pytest.mark.parametrize(
    ("tag", "field"),
    [
        # Where tagkit's lexicon is right and kgen's lists are not, or have another use of a word.
        ("worst quality", "quality"),
        ("Masterpiece", "quality"),
        ("questionable", "rating"),
        ("rating_safe", "rating"),
        ("Hatsune Miku", "characters"),
        (r"ganyu \(genshin impact\)", "characters"),
        ("artist:no such painter", "artist"),
        ("absurdres", "meta"),
        # Kept whole.
        ("^_^", "tag"),
        (":3", "tag"),
    ],
)
def test_what_kgen_puts_on_a_wrong_line(tag: str, field: str) -> None:
    card = tag_card("tipo-200m")
    tags = tags_of(parse(f"1girl, {tag}, smile"), LEXICON)
    lines = model_text(tags, 1.0, card.lengths["short"], card.layout).splitlines()
    (line,) = [line for line in lines if line.startswith(f"{field}: ")]
    assert parse(tag).tags[0].name.removeprefix("artist:") in line


def test_year_words_have_no_line() -> None:
    """kgen takes `newest` for a quality word; the models were trained with one word of quality."""
    for card in tag_cards().values():
        tags = tags_of(parse("1girl, newest, year 2024, recent"), LEXICON)
        text = model_text(tags, 1.0, card.lengths["short"], card.layout)
        assert "1girl" in text
        assert not re.search("newest|2024|recent", text)
