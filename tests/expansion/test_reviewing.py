from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tagkit.cards import image_card
from tagkit.commands import run
from tagkit.errors import UserError
from tagkit.expansion import expand
from tagkit.expansion.reviewing import Reviewer
from tagkit.packs import shipped_rules

if TYPE_CHECKING:
    from tagkit.expansion import TagModel

REVIEWER = Reviewer(image_card("baxl-v3"), "a1111")


Found = set[tuple[str, str, bool]]


def change(before: Found, after: Found, name: str) -> str | None:
    return REVIEWER.change(frozenset(before), frozenset(after), name)


def test_what_was_wrong_before_is_no_reason() -> None:
    before = {("card", "2girls", True)}
    assert change(before, before, "smile") is None
    assert change(before, {*before, ("card", "solo", True)}, "solo") == "card"


def test_information_counts_only_against_the_tag_itself() -> None:
    assert change(set(), {("implied", "hat", False)}, "red hat") is None
    assert change(set(), {("implied", "hat", True)}, "red hat") == "implied"
    assert change(set(), {("implied", "hat", False)}, "hat") == "implied"


def test_safety_weighs_more_than_the_card() -> None:
    assert change(set(), {("card", "x", True), ("safety", "x", True)}, "x") == "safety"


def test_the_rules_are_asked() -> None:
    def reasons(prompt: str, tag: str) -> str | None:
        with_tag = REVIEWER.objections(f"{prompt}, {tag}")
        return REVIEWER.change(REVIEWER.objections(prompt), with_tag, tag)

    assert reasons("1girl, white thighhighs", "thighhighs") == "implied"
    assert reasons("1girl, solo", "2girls") == "card"
    assert reasons("1girl, blue hair", "pink hair") == "card"
    assert reasons("1girl, blue hair, multicolored hair", "pink hair") is None
    assert reasons("1girl, blue hair", "smile") is None


def test_what_the_safety_rule_flags_is_not_completed(capsys: pytest.CaptureFixture[str]) -> None:
    (rule,) = [each for each in shipped_rules() if each.code.startswith("SAF")]
    flagged = [example.flagged for example in rule.examples]
    assert flagged
    for prompt in flagged:
        assert run(["expand", prompt, "--tag-model", "tiny"]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "safety rule" in captured.err


@pytest.fixture
def nothing_with_hats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A safety rule against hats."""

    def objections(_: Reviewer, prompt: str) -> frozenset[tuple[str, str, bool]]:
        return frozenset({("safety", "hat", True)} if "hat" in prompt else ())

    monkeypatch.setattr(Reviewer, "objections", objections)


@pytest.mark.usefixtures("nothing_with_hats")
def test_an_unsafe_prompt_is_refused_and_the_rest_is_done(
    tiny: TagModel, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="safety rule"):
        expand(["1girl", "hat"], tiny)
    arguments = ["--tag-model", "tiny", "--device", "cpu"]
    assert run(["expand", "1girl, hat", *arguments]) == 2
    assert capsys.readouterr().out == ""
    assert run(["expand", "1girl, hat", "2girls, hat", *arguments]) == 2
    assert capsys.readouterr().out == ""
    assert run(["expand", "1girl, hat", "1girl", *arguments]) == 1
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 1
    assert "1girl, hat" in shown.err


@pytest.mark.usefixtures("nothing_with_hats")
def test_a_tag_that_makes_a_prompt_unsafe_is_not_added(tiny: TagModel) -> None:
    several = expand("1girl, cape", tiny, seed=1, variations=30)
    assert not [each for each in several if "hat" in each.prompt]
    assert {own.tag for each in several for own in each.refused if own.because == "safety"}
