"""The safety rule: what it finds, and that nothing switches it off."""

from __future__ import annotations

import pytest

from tagkit.cards import image_card
from tagkit.documents import parse_document
from tagkit.linting import Linter, lint
from tagkit.packs import selected, shipped_rules

CODE = "SAF101"
UNSAFE = "1girl, child, nude"


def is_refused(text, negative=None, **options):
    return CODE in {each.code for each in lint(text, negative, **options).diagnostics}


@pytest.mark.parametrize(
    "text",
    [
        UNSAFE,
        "a nude child",
        "Child, (NUDE:0.1)",
        "{smile|child}, {hat|nude}",
        "child BREAK nude",
        "[child:nude:0.5]",
        "nude, blue archive",
        "nude, hoshino \\(swimsuit\\) \\(blue archive\\)",
        "nude, shiroko (blue archive)",
        "nude, someone unknown \\(blue_archive\\)",
        "1girl, 12 years old, nude",
        "1girl, 9yo, nude",
        "ｎｕｄｅ, child",
        "child，nude",
    ],
)
@pytest.mark.parametrize("model", ["baxl-v3", "kohaku-delta", None])
def test_refused(text, model):
    assert is_refused(text, model=model)


@pytest.mark.parametrize(
    "text",
    [
        "1girl, hoshino (swimsuit) (blue archive)",
        "1girl, hoshino \\(swimsuit\\) \\(blue archive\\), beach, swimsuit",
        "1girl, child, smile",
        "1girl, nude, 25 years old",
        "1girl, mature female, nude",
        "childhood friend, nude",
        "child, nude lipstick",
        "naked eye, baby blue dress",
    ],
)
def test_not_refused(text):
    assert not is_refused(text)


def test_the_negative_prompt_is_not_judged():
    assert not is_refused("child, smile", "nude")
    assert not is_refused("1girl, nude", "child")


def test_the_prompts_of_later_passes_are_judged():
    settings = 'Steps: 25, Sampler: Euler a, Seed: 1, {}: "nude, smile"'
    record = "child\nNegative prompt: lowres\n"
    assert is_refused(record + settings.format("Hires prompt"))
    assert is_refused(record + settings.format("ADetailer prompt"))
    assert not is_refused(record + settings.format("ADetailer negative prompt"))


@pytest.mark.parametrize("dialect", ["a1111", "comfyui", "novelai", "compel"])
def test_every_dialect_is_judged(dialect):
    assert is_refused("child, (nude)", dialect=dialect)


def test_selection_does_not_switch_it_off():
    assert is_refused(UNSAFE, select=["DUP"])
    assert is_refused(UNSAFE, ignore=["SAF", CODE])


def test_cards_do_not_switch_it_off():
    card = image_card("baxl-v3")
    card = type(card)(card="image", name="x", severities={CODE: "off"})
    (each,) = lint(UNSAFE, model=card, select=["SAF"]).diagnostics
    assert each.severity == "error"


@pytest.mark.parametrize("comment", [f"# tagkit: allow {CODE}\n", f"# tagkit: allow {CODE}\n\n"])
def test_comments_do_not_switch_it_off(comment):
    (record,) = parse_document(comment + UNSAFE, "p.txt").records
    linter = Linter(image_card("baxl-v3"), selected(shipped_rules(), ["SAF"], []))
    assert [each.code for each in linter.lint(record).diagnostics] == [CODE]


def test_real_prompts_raise_no_alarm(real_prompts):
    assert [text for text in real_prompts if is_refused(text, select=["SAF"])] == []
