"""Which group of a card's order a tag belongs to."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from tagkit.clip.counts import text_count
from tagkit.data import data_folder
from tagkit.lexicon import Lexicon, open_lexicon

if TYPE_CHECKING:
    from tagkit.cards import ImageCard

_ARTIST_PREFIX = re.compile(r"(?:artist:|by |@)\s*\S")


@cache
def shipped_lexicon() -> Lexicon:
    """tagkit's own lexicon."""
    return open_lexicon(data_folder("rules"))


def group_of(
    name: str, card: ImageCard, lexicon: Lexicon, *, beside_artist: bool = False
) -> str | None:
    """The name of the group that `card.prompt.order` sorts the tag `name` by; None if unknown.

    A single word that is only known as an artist's name is taken for one beside another artist.
    """
    if _ARTIST_PREFIX.match(name):
        return "artist"
    entry = lexicon.find(name)
    if entry is None:
        return None
    if any(entry.group in rank for rank in card.prompt.order):
        return entry.group
    if entry.group or " " in name:
        return entry.category
    return None if _is_ambiguous(name, entry.category, beside_artist) else entry.category


def _is_ambiguous(word: str, category: str, beside_artist: bool) -> bool:
    """Whether a bare word of the long lists is likelier an ordinary word than a name.

    The lists hold thousands of pen names and titles like `speed` or `joyful`. What CLIP's
    vocabulary has as one token is an ordinary word.
    """
    return text_count(word) == 1 or (category == "artist" and not beside_artist)


def homes_of(name: str, group: str, card: ImageCard) -> tuple[int, ...]:
    """Places in `card.prompt.order` where the tag may stand, first to last."""
    groups = card.prompt.several_homes.get(name, (group,))
    order = card.prompt.order
    return tuple(index for index, rank in enumerate(order) if any(each in rank for each in groups))


def order_rank(name: str, card: ImageCard, lexicon: Lexicon) -> int | None:
    """Place of the tag's group in `card.prompt.order`, from 0; None for an unknown tag."""
    group = group_of(name, card, lexicon)
    if group is None:
        return None
    homes = homes_of(name, group, card)
    return homes[0] if homes else None
