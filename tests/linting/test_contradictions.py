"""Counts, colours, implied tags and tags in both prompts: what goes together and what does not."""

from __future__ import annotations

import pytest

from tagkit.linting import lint


def found(text, code, negative=None, model="baxl-v3"):
    report = lint(text, negative, model, select=[code])
    return [each for each in report.diagnostics if each.code == code]


@pytest.mark.parametrize(
    "text",
    [
        "blue hair, red hair",
        "1girl, shiroko \\(blue archive\\), blue hair, red hair",
        "1girl, smile, {hat|blue eyes}, green eyes",
        "2girls BREAK 1girl, blue hair, red hair",
    ],
)
def test_colours_of_one_person(text):
    assert [each.severity for each in found(text, "CON102")] == ["warning"]


@pytest.mark.parametrize(
    "text",
    [
        "1girl, blue hair, light blue hair",
        "1girl, hakurei reimu, kirisame marisa, black hair, blonde hair",
        "2girls BREAK blue hair, red hair",
        "1girl, blue hair, blue eyes",
        "1girl, [blue hair:red hair:0.5]",
        "1girl, multicolored hair, (red hair, blue hair:1.1)",
    ],
)
def test_colours_of_several_people_or_of_one_hair(text):
    assert found(text, "CON102") == []


def test_several_backgrounds_are_a_remark():
    (each,) = found("1girl, white background, blue background", "CON102")
    assert each.severity == "info"
    assert found("1girl, white background, blue background, two-tone background", "CON102") == []


def test_without_a_card_counts_are_judged_and_colours_are_not():
    assert found("1girl, 2girls", "CON101", model=None)
    assert found("blue hair, red hair", "CON102", model=None) == []


def test_implied_tags_are_a_warning_where_the_card_says_so():
    text = "1girl, hat, red hat"
    assert [each.severity for each in found(text, "DUP102")] == ["warning"]
    assert [each.severity for each in found(text, "DUP102", model="kohaku-delta")] == ["info"]


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("1girl, {hat|boots}, red hat", "1girl, {hat|boots}, red hat"),
        ("1girl, {hat, red hat|boots}", "1girl, {red hat|boots}"),
        ("1girl, {red hat|boots}, hat", "1girl, {red hat|boots}, hat"),
        ("1girl, <lora:x:1>, smile, red hat, hat", "1girl, <lora:x:1>, smile, red hat"),
        ("1girl, <lora:x:1>, red hat, hat", "1girl, <lora:x:1>, red hat, hat"),
        ("1girl, (hat:1.3), red hat", "1girl, red hat"),
        ("hat BREAK red hat", "hat BREAK red hat"),
    ],
)
def test_what_is_implied(text, fixed):
    assert lint(text, select=["DUP102"], unsafe=True).fixed.positive == fixed


def test_a_tag_in_both_prompts():
    assert found("1girl, hat", "CON103", "lowres, hat")[0].fix is None
    assert found("1girl, halo", "CON103", "lowres, halo")[0].fix.safety == "safe"
    assert found("1girl, hat", "CON103") == []
    assert found("1girl, a hat", "CON103", "lowres, hat") == []


def test_what_the_card_injects_is_taken_out_and_not_put_back():
    report = lint("1girl, focus, halo", "lowres, halo, focus, heterochromia")
    assert report.fixed.negative == "lowres, heterochromia"


def test_unsupported_subjects_are_said_once():
    text = "2girls, nsfw, detailed background, multiple girls"
    (each,) = found(text, "FIT103")
    assert each.message.endswith("several people and nsfw and detailed backgrounds")


def test_foreign_words_are_a_matter_of_the_card():
    assert len(found("1girl, (score_9, score_8_up:1.1), high score", "FIT101")) == 3
    assert found("1girl, score_9", "FIT101", model="pony-v6") == []
    assert found("1girl, highres, absurdres, 8k, masterpiece", "FIT101") == []
