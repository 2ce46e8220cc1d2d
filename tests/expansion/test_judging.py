"""What is taken of what a model writes; here it writes what the test says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tagkit.cards import ExpansionBan, image_card, tag_card
from tagkit.expansion import Expander, Options, Wish
from tagkit.expansion.rows import Draft, Refusal, Request, Sampling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.expansion import Expansion

BAXL = image_card("baxl-v3")
CARD = tag_card("tiny")


class Writer:
    """A tag model that writes the same tags for every prompt, and keeps what it was given."""

    name = "writer"
    card = CARD

    def __init__(self, *tags: str) -> None:
        self.tags = tags
        self.read: list[str] = []

    def ids(self, text: str) -> tuple[int, ...]:
        self.read.append(text)
        return ()

    def drafts(self, requests: Sequence[Request], _: Sampling) -> list[Draft]:
        return [self._draft(request) for request in requests]

    def _draft(self, request: Request) -> Draft:
        judged = [(tag, request.judge(tag)) for tag in self.tags if not request.judge.full]
        refused = tuple(Refusal(tag, reason) for tag, reason in judged if reason)
        return Draft((), refused, "end", len(judged))


def expanded(prompt: str, *tags: str, card: Any = BAXL, **options: Any) -> Expansion:
    expander = Expander(card, CARD, Options(**options))
    (expansion,) = expander.expand(Writer(*tags), [Wish(prompt, 1)])
    return expansion


def reason(prompt: str, tag: str, card: Any = BAXL, **options: Any) -> str | None:
    refused = expanded(prompt, tag, card=card, **options).refused
    return refused[0].because if refused else None


@pytest.mark.parametrize(
    ("prompt", "tag", "because"),
    [
        ("1girl", "smile", None),
        ("1girl", "Long_Sleeves", None),
        ("1girl", "no such tag as this", None),
        ("1girl, (smile:1.2)", "smile", "repeated"),
        ("1girl, blonde hair", "blond hair", "repeated"),
        ("1girl, blond hair", "blonde hair", "repeated"),
        ("1girl, {smile|grin}", "grin", "repeated"),
        ("1girl", "comic", "banned"),
        ("1girl", "official alternate costume", None),
        ("1girl", "cowboy shot", None),
        ("1girl", "masterpiece", "category"),
        ("1girl", "highres", "category"),
        ("1girl", "newest", "category"),
        ("1girl", "hatsune miku", "category"),
        ("1girl", "blue archive", "category"),
        ("1girl", "artist:someone", "category"),
        ("1girl", "nude", "safety"),
        ("1girl", "nude girl in a bath", "safety"),
        ("1girl", "Cum_on_Hair", "safety"),
        ("1girl", "nude lipstick", None),
        ("1girl", "child", None),
        ("1girl", "halo", "card"),
        ("1girl, glowing halo", "dark halo", None),
        ("1girl", "hand focus", "card"),
        ("1girl, foot focus", "hand focus", None),
        ("1girl, solo", "2girls", "card"),
        ("1girl, blue hair", "red hair", "card"),
        ("1girl, white thighhighs", "thighhighs", "implied"),
    ],
)
def test_reasons(prompt: str, tag: str, because: str | None) -> None:
    assert reason(prompt, tag) == because


def test_bans_of_the_user() -> None:
    assert reason("1girl", "Smile", ban=("smile",)) == "banned"
    assert reason("1girl", "evil smile", ban=("smile",)) is None
    assert reason("1girl", "evil smile", ban=(".*smile",)) == "banned"
    assert reason("1girl", "cowboy shot", ban=(".*boy.*",)) == "banned", "no exceptions here"
    assert reason("1girl", "spring (season)", ban=("spring (season)",)) == "banned"


@pytest.mark.parametrize(
    ("prompt", "tags", "added"),
    [
        ("1girl, twintails", ("long hair", "smile"), ("smile",)),
        ("1girl", ("long hair", "smile"), ("long hair", "smile")),
        ("1girl", ("twintails", "long hair"), ("twintails",)),
        ("1girl", ("long hair", "twintails"), ("long hair",)),
        ("1girl, long hair", ("twintails", "smile"), ("twintails", "smile")),
        ("1girl, {braid|twintails}", ("very long hair",), ()),
        ("1girl, low twintails", ("long hair",), ()),
    ],
)
def test_bans_with_a_condition(prompt: str, tags: tuple[str, ...], added: tuple[str, ...]) -> None:
    pair = (".*twintails", "(very )?long hair")
    assert expanded(prompt, *tags, ban_when=(pair,)).added == added
    bans = (ExpansionBan(pair[1], when=pair[0]), ExpansionBan("braid", ("side braid",), "hat"))
    advice = msgspec.structs.replace(BAXL.expand, ban=bans)
    card = msgspec.structs.replace(BAXL, expand=advice)
    assert expanded(prompt, *tags, card=card).added == added
    assert expanded("1girl, hat", "braid", "side braid", card=card).added == ("side braid",)
    assert expanded("1girl, hat", "braid", card=card, card_bans=False).added == ("braid",)


def test_an_alias_hides_nothing() -> None:
    assert expanded("1girl", "thigh highs").added == ("thighhighs",)
    assert reason("1girl", "thigh highs", ban=("thighhighs",)) == "banned"
    assert reason("1girl", "thighhighs", ban=("thigh highs",)) == "banned"
    assert reason("1girl", "twin tails", ban=("twintail.*",)) == "banned"
    assert reason("1girl", "blond hair", ban_groups=("hair color",)) == "group"
    assert reason("1girl, twin tails", "long hair", ban_when=(("twintails", "long hair"),))


def test_groups_of_the_user() -> None:
    assert reason("1girl", "red hair", ban_groups=("hair color",)) == "group"
    assert reason("1girl", "smile", ban_groups=("general",)) == "group"
    assert reason("1girl", "hatsune miku", allow_groups=("character",)) is None
    assert reason("1girl", "highres", allow_groups=("meta",)) is None
    assert reason("1girl", "masterpiece", allow_groups=("quality",)) is None
    assert reason("1girl", "blue archive", allow_groups=("character",)) == "category"


def test_without_the_cards_bans() -> None:
    for tag in ("comic", "halo", "hand focus"):
        assert reason("1girl", tag, card_bans=False) is None
    assert reason("1girl", "nude", card_bans=False) == "safety"


def test_what_a_card_discourages_without_banning_it() -> None:
    expand = msgspec.structs.replace(BAXL.expand, ban=())
    card = msgspec.structs.replace(BAXL, expand=expand)
    assert reason("1girl", "comic", card=card) == "card"


def test_a_card_that_does_not_mind_repetition_in_meaning() -> None:
    delta = image_card("kohaku-delta")
    assert reason("1girl, thighhighs", "white thighhighs", card=delta) is None
    assert reason("1girl, white thighhighs", "thighhighs", card=delta) == "implied"


def test_the_budget() -> None:
    each = expanded("1girl", "smile", "very long hair", "hat", "outdoors", max_tokens=6)
    assert each.added == ("smile", "hat")
    assert each.refused == (Refusal("very long hair", "over-budget"),), "the list ended with hat"
    assert (each.clip.tokens, each.clip.limit) == (6, 6)
    assert expanded("1girl, smile", "grin", max_tokens=3).added == ()
    assert expanded("1girl", "smile", card=image_card("kohaku-delta")).clip.limit == 75


def test_refusals_are_told_once_and_in_canonical_spelling() -> None:
    each = expanded("1girl, long sleeves", "Long_Sleeves", "long sleeves", "smile")
    assert each.refused == (Refusal("long sleeves", "repeated"),)
    assert each.added == ("smile",)


def test_reached_counts_people_and_general_tags() -> None:
    each = expanded("1girl, hatsune miku, masterpiece, <lora:a:1>, hat", "smile", "solo")
    assert each.length == type(each.length)("short", 16, 4)


def test_what_the_model_reads() -> None:
    writer = Writer()
    options = Options(
        hide=("my trigger",), length="long", size=(1216, 832), rating=("safe",), artist=("someone",)
    )
    Expander(BAXL, CARD, options).expand(
        writer, [Wish("1girl, my trigger, smile, explicit", 1), Wish("hat", 1, 0.5)]
    )
    assert writer.read[0] == (
        "quality: <|empty|>\nrating: safe\nartist: someone\ncharacters: <|empty|>\n"
        "copyrights: <|empty|>\naspect ratio: 1.5\ntarget: <|long|>\n"
        "general: 1girl, smile<|input_end|>"
    )
    assert "aspect ratio: 0.5" in writer.read[1]


def test_other_dialects() -> None:
    expander = Expander(BAXL, CARD, Options(), "novelai")
    (each,) = expander.expand(Writer("smile", "spring (season)"), [Wish("1girl, {hat}", 1)])
    assert each.prompt == "1girl, {hat}, smile, spring (season)"
