"""What a card makes of tag names: their group in its order, its bans."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeVar, cast

from tagkit.clip.counts import text_count
from tagkit.linting.files import NO_FILES, Files
from tagkit.linting.patterns import name_test, without
from tagkit.prompt import canonical, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tagkit.cards import Ban, ImageCard
    from tagkit.lexicon import Alias, Entry, Lexicon
    from tagkit.packs import Rule

T = TypeVar("T")

# A bare word that so many posts bear as a name is that name.
_MANY_POSTS = 1000
_REMEMBERED = 1 << 16
_LONGEST_ARTIST = 6  # words, as in `by mark arian and morgan weistling`
_ARTIST_PREFIX = re.compile(r"(?:artist:|by |@)\s*\S")


class Knowledge:
    """Tag names in the eyes of one card, and the user's files.

    Tags recur without end, so the last answers are kept.
    """

    def __init__(self, card: ImageCard, lexicon: Lexicon, files: Files = NO_FILES) -> None:
        self.card = card
        self.lexicon = lexicon
        self.files = files
        self._groups = {group for rank in card.prompt.order for group in rank}
        self._group_of = lru_cache(_REMEMBERED)(self._find_group)
        self._homes_of = lru_cache(_REMEMBERED)(self._find_homes)
        self._ban_of = lru_cache(_REMEMBERED)(self._find_ban)
        self._alias_of = lru_cache(_REMEMBERED)(self._find_alias)
        self.base_negative = frozenset(tag.name for tag in parse(card.prompt.negative).tags)
        self._prepared: dict[str, object] = {}

    def group(self, name: str, *, beside_artist: bool = False) -> str | None:
        """The group that the card's order sorts the tag by; None if it is unknown.

        A single word that is only known as an artist's name is taken for one beside an artist.
        """
        return self._group_of(name, beside_artist)

    def homes(self, name: str, group: str | None) -> tuple[int, ...]:
        """Places in the card's order where a tag of `group` may stand, first to last."""
        if not group:
            return ()
        return self._homes_of(self.card.prompt.several_homes.get(name, (group,)))

    def ban(self, name: str) -> Ban | None:
        """The first of the card's discouraged patterns that catches the tag."""
        return self._ban_of(name)

    def alias(self, name: str) -> Alias | None:
        """What the name is an alias of; a word of the card's own negative prompt is none."""
        return self._alias_of(name)

    def is_unknown(self, name: str) -> bool:
        """Whether no list holds the name, as itself or as an alias, nor the card's vocabulary."""
        if name in self._vocabulary or self.group(name) or self.lexicon.find(name):
            return False
        return self.lexicon.alias(name) is None

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        advice = self.card.prompt
        said = (*advice.quality, *advice.rating, *advice.year, *advice.foreign)
        return self.base_negative | {canonical(each) for each in said}

    def prepared(self, rule: Rule, make: Callable[[Rule, Knowledge], T]) -> T:
        """What `make` makes of the settings of `rule` for this card; it is made once."""
        if rule.code not in self._prepared:
            self._prepared[rule.code] = make(rule, self)
        return cast("T", self._prepared[rule.code])

    def _find_group(self, name: str, beside_artist: bool) -> str | None:
        if _ARTIST_PREFIX.match(name) and len(name.split()) <= _LONGEST_ARTIST:
            return "artist"
        alias = self.alias(name)
        entry = self.lexicon.find(alias.of if alias else name)
        if entry is None:
            return None
        if entry.group in self._groups:
            return entry.group
        return None if _is_ambiguous(entry, beside_artist) else entry.category

    def _find_homes(self, groups: tuple[str, ...]) -> tuple[int, ...]:
        order = enumerate(self.card.prompt.order)
        return tuple(index for index, rank in order if any(each in rank for each in groups))

    def _find_ban(self, name: str) -> Ban | None:
        return first_ban(name, self.card.prompt.discouraged)

    def _find_alias(self, name: str) -> Alias | None:
        return None if name in self.base_negative else self.lexicon.alias(name)


def first_ban(name: str, bans: tuple[Ban, ...]) -> Ban | None:
    """The first of `bans` that catches the canonical `name`."""
    for ban in bans:
        catches = name_test(ban.pattern)
        if catches(name) and catches(without(name, ban.excepting)):
            return ban
    return None


def order_rank(name: str, card: ImageCard, lexicon: Lexicon) -> int | None:
    """Place of the tag's group in `card.prompt.order`, from 0; None for an unknown tag."""
    knowledge = Knowledge(card, lexicon)
    homes = knowledge.homes(name, knowledge.group(name))
    return homes[0] if homes else None


def _is_ambiguous(entry: Entry, beside_artist: bool) -> bool:
    """Whether a name of the long lists is likelier an ordinary word or two than a name.

    The lists hold thousands of pen names and titles like `speed`, `joyful` or `sea foam`. What
    CLIP's vocabulary has as one token is an ordinary word.
    """
    if entry.group or entry.category == "general":
        return False
    if entry.posts is not None and entry.posts >= _MANY_POSTS:
        return False
    words = entry.name.count(" ") + 1
    is_pen_name = entry.category == "artist" and not beside_artist
    if words == 1:
        return is_pen_name or text_count(entry.name) == 1
    return is_pen_name and text_count(entry.name) == words
