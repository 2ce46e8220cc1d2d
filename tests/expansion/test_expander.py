"""Whole expansions, with the tiny model that the project carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import regex

from tagkit.clip import count_tokens
from tagkit.errors import UserError
from tagkit.expansion import Expansion, Options, expand
from tagkit.linting import lint, shipped_lexicon

if TYPE_CHECKING:
    from tagkit.expansion import TagModel

PROMPTS = ["1girl, blue hair", "2girls, outdoors, night sky", "1boy, masterpiece", "smile", ""]
LEXICON = shipped_lexicon()


def one(tiny: TagModel, prompt: str, **given: Any) -> Expansion:
    options = {key: given.pop(key) for key in list(given) if key in Options.__struct_fields__}
    known = {key: options.pop(key) for key in ("temperature", "length", "ban") if key in options}
    (expansion,) = expand(prompt, tiny, options=Options(**options), **known, **given)
    return expansion


def test_a_prompt_does_not_depend_on_the_others(tiny: TagModel) -> None:
    together = expand(PROMPTS, tiny, seed=5)
    assert [expand(prompt, tiny, seed=5)[0] for prompt in PROMPTS] == together
    assert expand(PROMPTS[::-1], tiny, seed=5) == together[::-1]
    assert expand(PROMPTS, tiny, seed=6) != together


def test_variations_count_seeds_up(tiny: TagModel) -> None:
    several = expand("1girl", tiny, seed=3, variations=3)
    assert [each.seed for each in several] == [3, 4, 5]
    assert several[2] == one(tiny, "1girl", seed=5)


def test_seeds_are_drawn_and_reported(tiny: TagModel) -> None:
    drawn = one(tiny, "1girl")
    assert drawn == one(tiny, "1girl", seed=drawn.seed)


def test_temperature_zero_needs_no_seed(tiny: TagModel) -> None:
    assert (
        one(tiny, "1girl", temperature=0, seed=1).added
        == one(tiny, "1girl", temperature=0, seed=2).added
    )


@pytest.mark.parametrize("length", ["very-short", "short", "long", "very-long"])
def test_the_length_is_met(tiny: TagModel, length: str) -> None:
    for each in expand(PROMPTS, tiny, seed=1, length=length, options=Options(max_tokens=300)):
        assert each.length.reached >= each.length.minimum
        assert each.clip.tokens == count_tokens(each.prompt).real
        counted = len(each.added) + len([tag for tag in each.input.split(", ") if tag])
        assert each.length.reached == counted - ("masterpiece" in each.input)


@pytest.mark.parametrize("limit", [1, 8, 20, 75])
def test_the_budget_is_kept(tiny: TagModel, limit: int) -> None:
    for each in expand(PROMPTS, tiny, seed=2, length="long", options=Options(max_tokens=limit)):
        fits = count_tokens(each.input).real <= limit
        assert (each.clip.tokens <= limit) == fits
        assert fits or not each.added
        assert each.clip.limit == limit


def test_the_cards_limit_is_the_default(tiny: TagModel) -> None:
    assert one(tiny, "1girl", seed=1, length="very-long").clip.limit == 75


def test_banned_tags_never_come_out(tiny: TagModel) -> None:
    bans = [".*(hair|eyes).*", "Smile", "holding", "long_sleeves"]
    found = expand(PROMPTS, tiny, seed=1, ban=bans, length="short", variations=4)
    for each in found:
        for tag in each.added:
            assert tag not in ("smile", "holding", "long sleeves")
            assert not regex.fullmatch(bans[0], tag)
        assert each.length.reached >= each.length.minimum
    assert "banned" in {own.because for each in found for own in each.refused}


def test_one_ban_may_be_a_text(tiny: TagModel) -> None:
    solo = [each.added for each in expand("1girl", tiny, seed=1, ban="solo", variations=5)]
    assert not [tags for tags in solo if "solo" in tags]


def test_bans_do_not_touch_the_users_tags(tiny: TagModel) -> None:
    each = one(tiny, "1girl, smile, hat", seed=1, ban=["smile", ".*hat.*"])
    assert "1girl, " in each.prompt
    assert ", smile, hat, " in each.prompt


def test_groups(tiny: TagModel) -> None:
    options = Options(ban_groups=("hair_color", "eye color", "Hair-Style"))
    for each in expand("1girl", tiny, seed=1, variations=8, options=options):
        groups = {LEXICON.group(tag) for tag in each.added}
        assert not groups & {"hair_color", "eye_color", "hair_style"}


def test_only_general_tags_are_added(tiny: TagModel) -> None:
    for each in expand(["1girl, hatsune miku", "1girl"], tiny, seed=1, variations=8):
        for tag in each.added:
            entry = LEXICON.find(tag)
            assert entry is None or entry.category == "general"
            assert entry is None or entry.group != "sexual"


def test_hidden_tags_change_what_the_model_writes(tiny: TagModel) -> None:
    shown = one(tiny, "1girl, swimsuit, beach", seed=1)
    hidden = one(tiny, "1girl, swimsuit, beach", seed=1, hide=("swimsuit", "beach"))
    bare = one(tiny, "1girl", seed=1)
    assert hidden.added != shown.added
    assert hidden.added[:3] == bare.added[:3]
    assert ", swimsuit, beach, " in hidden.prompt


def test_what_the_model_is_told_matters(tiny: TagModel) -> None:
    told = Options(size=(1344, 768), rating=("sensitive",), quality=("masterpiece",))
    assert one(tiny, "1girl", seed=1).added != expand("1girl", tiny, seed=1, options=told)[0].added


def test_the_users_text_comes_back(tiny: TagModel) -> None:
    text = "1girl, (shiroko \\(blue archive\\):1.2), <lora:a:0.8>, [smile|grin] BREAK (hat), "
    each = one(tiny, text, seed=3)
    rest = iter(each.prompt)
    assert all(letter in rest for letter in text)
    for piece in ("(shiroko \\(blue archive\\):1.2)", "<lora:a:0.8>", "[smile|grin]", "(hat), "):
        assert piece in each.prompt
    assert not {"1girl", "smile", "grin", "hat"} & set(each.added)


def test_lint_finds_no_error_in_what_was_added(tiny: TagModel) -> None:
    for each in expand(PROMPTS, tiny, seed=4, variations=6):
        found = [
            own for own in lint(each.prompt).diagnostics if own.severity in ("error", "warning")
        ]
        before = {own.code for own in lint(each.input).diagnostics}
        assert not [own.code for own in found if own.code not in before], each.prompt


@pytest.mark.parametrize(
    "options",
    [
        Options(temperature=-1),
        Options(temperature=float("nan")),
        Options(temperature=float("inf")),
        Options(top_p=0),
        Options(top_p=1.1),
        Options(top_k=-1),
        Options(min_p=1),
        Options(max_tokens=0),
        Options(size=(0, 1024)),
        Options(length="longish"),
        Options(ban_groups=("no such group",)),
        Options(allow_groups=("sexual",)),
        Options(hide=("*",)),
    ],
)
def test_nonsense_is_refused_before_a_model_is_needed(options: Options) -> None:
    with pytest.raises(UserError):
        expand("1girl", "tiny", options=options)


def test_more_tags_than_the_context_holds(tiny: TagModel) -> None:
    text = ", ".join(f"tag number {number}" for number in range(1500))
    each = one(tiny, text, max_tokens=100_000)
    assert each.prompt == text
    assert each.ended == "tokens"
