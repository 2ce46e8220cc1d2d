"""What a user can ask of an expansion, and whether it makes sense."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from tagkit.cards import ExpansionBan
from tagkit.errors import UserError
from tagkit.expansion.judging import SEXUAL
from tagkit.expansion.rows import Sampling
from tagkit.typed_yaml import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.cards import ImageCard, LengthTarget, TagCard
    from tagkit.lexicon import Lexicon

CATEGORIES = ("artist", "character", "copyright", "general", "meta")

S = TypeVar("S")
T = TypeVar("T")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asks for; None leaves it to the cards.

    ban, hide: patterns (see `bans`). ban_when: pairs of patterns; where a tag matches the first,
    none is added that matches the second. card_bans: whether the image card's patterns count too.
    ban_groups, allow_groups: names of curated groups or categories. max_tokens: CLIP tokens of a
    whole prompt. size: width and height of the picture; rating, quality, artist: tags. These four
    only tell the tag model what the picture is like.
    """

    temperature: float | None = None
    length: str | None = None
    ban: tuple[str, ...] = ()
    ban_when: tuple[tuple[str, str], ...] = ()
    card_bans: bool = True
    ban_groups: tuple[str, ...] = ()
    allow_groups: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    max_tokens: int | None = None
    size: tuple[int, int] | None = None
    rating: tuple[str, ...] = ()
    quality: tuple[str, ...] = ()
    artist: tuple[str, ...] = ()

    def sampling(self, image: ImageCard, card: TagCard) -> Sampling:
        """The user's figures, else the cards'. Raises UserError for one out of range."""
        own = card.sampling
        wanted = Sampling(
            _either(self.temperature, image.expand.temperature),
            _either(self.top_p, own.top_p),
            _either(self.top_k, own.top_k),
            _either(self.min_p, own.min_p),
            own.repetition_penalty,
        )
        _require("temperature", wanted.temperature, 0 <= wanted.temperature <= 5, "from 0 to 5")
        _require("top-p", wanted.top_p, 0 < wanted.top_p <= 1, "above 0, at most 1")
        _require("top-k", wanted.top_k, wanted.top_k >= 0, "0 (off) or more")
        _require("min-p", wanted.min_p, 0 <= wanted.min_p < 1, "from 0 (off) to below 1")
        return wanted

    def target(self, image: ImageCard, card: TagCard) -> tuple[str, LengthTarget]:
        """The length by name, and what it asks of the tag model. Raises UserError."""
        name = (self.length or image.expand.length).replace("_", "-")
        if name not in card.lengths:
            raise UserError(
                f"there is no length `{name}`", "", nearest(name, [*card.lengths], "lengths")
            )
        return name, card.lengths[name]

    def token_limit(self, image: ImageCard) -> int | None:
        """CLIP tokens that a prompt may have, None for any number. Raises UserError."""
        if self.max_tokens is not None:
            _require("max-tokens", self.max_tokens, self.max_tokens > 0, "1 or more")
        return _either(self.max_tokens, image.prompt.limit)

    def aspect(self, image: ImageCard) -> float:
        """Width by height. Raises UserError."""
        width, height = self.size or image.size.default
        _require("size", f"{width}x{height}", min(width, height) > 0, "WIDTHxHEIGHT in pixels")
        return width / height

    def header(self) -> dict[str, tuple[str, ...]]:
        """What the tag model is told instead of the prompt's own tags, by kind of tag."""
        told = {"rating": self.rating, "quality": self.quality, "artist": self.artist}
        return {kind: names for kind, names in told.items() if names}

    def bans(self, image: ImageCard) -> tuple[ExpansionBan, ...]:
        """The user's bans, and the card's where they count."""
        own = [ExpansionBan(pattern) for pattern in self.ban]
        own += [ExpansionBan(pattern, when=when) for when, pattern in self.ban_when]
        return (*own, *(image.expand.ban if self.card_bans else ()))

    def groups(self, lexicon: Lexicon) -> tuple[frozenset[str], frozenset[str]]:
        """Banned and allowed groups. Raises UserError for an unknown one."""
        known = sorted({*lexicon.groups(), *CATEGORIES})
        banned = frozenset(_group(name, known) for name in self.ban_groups)
        allowed = frozenset(_group(name, known) for name in self.allow_groups)
        if SEXUAL in allowed:
            raise UserError("sexual tags are never added", "", f"leave out `{SEXUAL}`")
        return banned, allowed


def _either(wanted: T | None, default: S) -> T | S:
    return default if wanted is None else wanted


def _require(name: str, value: object, fits: bool, range_: str) -> None:
    if not fits:
        raise UserError(f"{name} {value} is out of range", "", f"{name} must be {range_}")


def _group(name: str, known: Sequence[str]) -> str:
    spelt = name.strip().lower().replace(" ", "_").replace("-", "_")
    if spelt not in known:
        raise UserError(f"there is no tag group `{name}`", "", nearest(spelt, [*known], "groups"))
    return spelt
