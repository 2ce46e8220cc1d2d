"""What real prompts say, and was once read wrongly."""

from __future__ import annotations

import pytest

from tagkit.cards import image_card
from tagkit.lexicon import shipped_lexicon
from tagkit.linting import Knowledge, lint
from tagkit.prompt import parse

ANTI = "-1::simple background::, train interior"
CHARACTERS = "2girls, smile,\nchar1：girl, holding hands,\nchar2: girl, holding hands, smile"


def found(text, code, dialect="a1111"):
    return list(lint(text, "", dialect=dialect, select=[code]).diagnostics)


def fixed(text, code, dialect="a1111"):
    return lint(text, "", dialect=dialect, select=[code]).fixed.positive


@pytest.mark.parametrize(
    "name", ["at night", "heavy rain", "ice ground", "pastel pink", "red lantern", "hiten"]
)
def test_words_that_few_posts_bear_as_a_name_are_words(name):
    assert shipped_lexicon().find(name) is None


def test_a_pen_name_of_ordinary_words_is_one_beside_an_artist():
    knowledge = Knowledge(image_card("baxl-v3"), shipped_lexicon())
    assert knowledge.group("sea foam") is None
    assert knowledge.group("sea foam", beside_artist=True) == "artist"
    assert knowledge.group("blue archive") == "copyright"
    assert knowledge.group("kedama milk") == "artist"


def test_prose_that_begins_with_by_names_no_artist():
    knowledge = Knowledge(image_card("baxl-v3"), shipped_lexicon())
    assert knowledge.group("by mark arian and morgan weistling") == "artist"
    assert knowledge.group("by the lake where the two of them once met") is None


def test_an_alias_is_sorted_as_what_it_stands_for():
    assert fixed("closed eyes, clavicle, blue theme", "ORD101") == (
        "blue theme, closed eyes, clavicle"
    )


def test_nothing_is_sorted_behind_a_weight_that_ends_with_the_prompt():
    text = "year 2025, chibi, 2::, cat, smile"
    (each,) = found(text, "ORD101", "novelai")
    assert (each.severity, each.fix) == ("info", None)


@pytest.mark.parametrize("text", ["masterpiece, 1girl, {smile", "masterpiece, 1girl, smile}"])
def test_nothing_is_sorted_beside_a_bracket_without_a_partner(text):
    (each,) = found(text, "ORD101", "novelai")
    assert (each.severity, each.fix) == ("info", None)


def test_prose_beside_a_network_is_prose():
    (each,) = found("<lora:a:1> a gorilla of peace and wrath, smile, 1girl", "ORD101")
    assert (each.severity, each.fix) == ("info", None)


def test_a_finding_names_the_tag_and_not_what_stands_beside_it():
    (each,) = found("parameters ((masterpiece)), 1girl", "ORD101")
    assert "`parameters ((masterpiece))`" in each.message


def test_a_repetition_behind_a_bracket_without_a_partner_may_weigh_otherwise():
    (each,) = found("fading, {hat, fading, {smile}", "DUP101", "novelai")
    assert each.fix.safety == "unsafe"


@pytest.mark.parametrize("text", ["miku (append), rin (append)", "jeanne (fate), saber (fate)"])
def test_the_qualifiers_of_names_repeat_nothing(text):
    assert found(text, "DUP101") == []


def test_brackets_in_a_row_are_tags():
    assert len(found("(smile) (hat), (smile)", "DUP101")) == 1


@pytest.mark.parametrize("dialect", ["novelai", "a1111"])
def test_each_of_novelais_characters_is_judged_alone(dialect):
    assert bool(found(CHARACTERS, "DUP101", dialect)) == (dialect == "a1111")
    assert bool(found(CHARACTERS, "SYN106", dialect)) == (dialect == "a1111")


def test_the_name_of_a_character_prompt_is_no_tag():
    prompt = parse(CHARACTERS, "novelai")
    assert [tag.name for tag in prompt.tags if tag.section == 1] == ["girl", "holding hands"]
    assert len(prompt.sections) == 3


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ANTI, "CON102"),
        ("-1::sketch::", "FIT102"),
        ("-1::2girls::", "FIT103"),
        ("-2::white background::", "FIT105"),
        ("-1::score_9::", "FIT101"),
        ("dress, -1::white dress::", "DUP102"),
    ],
)
def test_what_is_weighed_away_is_not_asked_for(text, code):
    assert found(text, code, "novelai") == []
    assert found(text.replace("-", ""), code, "novelai")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("cowboy shot of a beautiful woman", 0),
        ("cowboy boots", 0),
        (r"shameimaru aya \(newsboy\)", 0),
        ("cowboy shot of a boy", 1),
        ("bird boy", 1),
    ],
)
def test_what_a_ban_excepts_may_be_a_part_of_a_tag(text, count):
    assert len(found(text, "FIT102")) == count


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("pale face", "turn pale"),
        ("plushie", "stuffed animal"),
        ("hands raised", "hands up"),
        ("medical mask", "surgical mask"),
    ],
)
def test_aliases_are_those_of_danbooru(alias, name):
    assert shipped_lexicon().alias(alias).of == name


def test_only_the_marks_that_are_replaced_are_named():
    (each,) = found("hat，（plastic bag，塑料袋）", "SYN106")[1:]
    assert each.message.startswith("`（）`")


def test_a_bracket_that_was_escaped_before_is_not_escaped_again():
    text = lint(r"2::smile::, >:\(, hat", dialect="compel", select=["SYN"], unsafe=True)
    assert text.fixed.positive == r"(smile)2, >:\(, hat"
