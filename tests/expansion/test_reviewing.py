from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tagkit.cards import image_card
from tagkit.commands import run
from tagkit.errors import UserError
from tagkit.expansion import expand
from tagkit.expansion.reviewing import Reviewer

if TYPE_CHECKING:
    from tagkit.expansion import TagModel

REVIEWER = Reviewer(image_card("baxl-v3"), "a1111")


def change(before: set[tuple[str, str]], after: set[tuple[str, str]], name: str) -> str | None:
    return REVIEWER.change(frozenset(before), frozenset(after), name)


def test_what_was_wrong_before_is_no_reason() -> None:
    assert change({("card", "2girls")}, {("card", "2girls")}, "smile") is None
    assert change({("card", "2girls")}, {("card", "2girls"), ("card", "solo")}, "solo") == "card"


def test_a_tag_may_make_another_superfluous_but_not_be_so() -> None:
    assert change(set(), {("implied", "hat")}, "red hat") is None
    assert change(set(), {("implied", "hat")}, "hat") == "implied"


def test_safety_weighs_more_than_the_card() -> None:
    assert change(set(), {("card", "x"), ("safety", "x")}, "x") == "safety"


@pytest.fixture
def nothing_with_hats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A safety rule against hats."""

    def objections(_: Reviewer, prompt: str) -> frozenset[tuple[str, str]]:
        return frozenset({("safety", "hat")} if "hat" in prompt else ())

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
    assert run(["expand", "1girl, hat", "1girl", *arguments]) == 2
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 1
    assert "1girl, hat" in shown.err


@pytest.mark.usefixtures("nothing_with_hats")
def test_a_tag_that_makes_a_prompt_unsafe_is_not_added(tiny: TagModel) -> None:
    several = expand("1girl, witch", tiny, seed=1, variations=30)
    assert not [each for each in several if "hat" in each.prompt]
    assert {own.tag for each in several for own in each.refused if own.because == "safety"}
