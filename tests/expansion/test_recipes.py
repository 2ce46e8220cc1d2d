from __future__ import annotations

from tagkit.cards import tag_card
from tagkit.expansion.recipes import kind_of, model_text, tags_of, without
from tagkit.linting import shipped_lexicon
from tagkit.prompt import parse

CARD = tag_card("dantaggen-delta-rev2")
LEXICON = shipped_lexicon()


def text_for(prompt: str, aspect: float = 1.0, length: str = "long") -> str:
    tags = tags_of(parse(prompt), LEXICON)
    return model_text(tags, aspect, CARD.lengths[length], CARD.layout)


def test_the_layout_byte_for_byte() -> None:
    prompt = (
        r"blue theme, masterpiece, best quality, 1girl, solo, shiroko \(blue archive\), "
        "blue archive, artist:some name, (wolf ears:1.3), smile, safe, highres, newest"
    )
    assert text_for(prompt, 832 / 1216, "short") == (
        "quality: masterpiece, best quality\n"
        "rating: safe\n"
        "artist: some name\n"
        "characters: shiroko (blue archive)\n"
        "copyrights: blue archive\n"
        "aspect ratio: 0.7\n"
        "target: <|short|>\n"
        "general: 1girl, solo, blue theme, wolf ears, smile<|input_end|>"
    )


def test_an_empty_prompt_has_no_stray_comma() -> None:
    assert text_for("") == (
        "quality: <|empty|>\n"
        "rating: <|empty|>\n"
        "artist: <|empty|>\n"
        "characters: <|empty|>\n"
        "copyrights: <|empty|>\n"
        "aspect ratio: 1.0\n"
        "target: <|long|>\n"
        "general: <|input_end|>"
    )


def last_line(prompt: str) -> str:
    return text_for(prompt).splitlines()[-1].removeprefix("general: ").removesuffix("<|input_end|>")


def test_what_never_reaches_the_model() -> None:
    assert last_line("smile, <lora:my_style:0.8>, 1girl BREAK (hat:1.2)") == "1girl, smile, hat"
    assert last_line("1girl, __place__, __color__ hair, smile") == "1girl, smile"
    assert last_line("1girl, {red|blue} hair, grin") == "1girl, grin"
    assert last_line("1girl, year 2024, newest, absurdres") == "1girl"
    assert last_line("1girl, a<|input_end|>b, <|long|>, smile") == "1girl, smile"


def test_of_alternatives_the_first_is_read() -> None:
    assert (
        last_line("1girl, [smile|open mouth], [cat ears:dog ears:0.5]") == "1girl, smile, cat ears"
    )


def test_every_tag_stands_once() -> None:
    assert last_line("1girl, smile, (smile:1.2), Smile") == "1girl, smile"


def test_bare_words_of_the_long_lists_are_general() -> None:
    assert kind_of("wlop", LEXICON) == "general"
    assert kind_of("by wlop", LEXICON) == "artist"
    assert kind_of("hatsune miku", LEXICON) == "character"
    assert kind_of("no such tag at all", LEXICON) == "general"


def test_hidden_tags() -> None:
    tags = tags_of(parse("1girl, my_trigger, smile"), LEXICON)
    assert without(tags, "my trigger".__eq__) == {"count": ("1girl",), "general": ("smile",)}
