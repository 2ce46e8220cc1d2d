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


TIPO = tag_card("tipo-200m")


def tipo_text(prompt: str, length: str = "short") -> str:
    return model_text(
        tags_of(parse(prompt), LEXICON), 832 / 1216, TIPO.lengths[length], TIPO.layout
    )


def test_a_layout_without_empty_fields() -> None:
    prompt = r"1girl, (cat ears:1.2), <lora:style:0.7> highres, artist:some name, safe BREAK hat"
    assert tipo_text(prompt) == (
        "meta: highres\n"
        "rating: safe\n"
        "artist: some name\n"
        "aspect ratio: 0.7\n"
        "target: <|short|>\n"
        "tag: 1girl, cat ears, hat,"
    )
    assert tipo_text("") == "aspect ratio: 0.7\ntarget: <|short|>\ntag:"


def test_sentences_have_a_line_of_their_own_where_the_model_reads_them() -> None:
    assert tipo_text(r"(alone and \(almost\) asleep by the Window:1.2)").endswith(
        "target: <|short|> <|long_to_tag|>\nlong: alone and (almost) asleep by the Window\ntag:"
    )
    assert tipo_text("1girl, The rain falls on the Town, hat").endswith(
        "target: <|short|> <|short_to_tag|>\nshort: The rain falls on the Town\ntag: 1girl, hat,"
    )
    assert last_line("1girl, The rain falls on the Town, hat") == "1girl, hat"


def test_long_names_are_no_sentences() -> None:
    name = "march 7th (honkai: star rail)"
    assert tags_of(parse(r"march 7th \(honkai: star rail\)"), LEXICON) == {"character": (name,)}
    assert kind_of("holding another's wrist", LEXICON) == "general"
