"""Where added tags go in the user's text, which itself stays as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tagkit.linting import order_rank
from tagkit.prompt import escaped, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.cards import ImageCard
    from tagkit.lexicon import Lexicon
    from tagkit.prompt import Prompt

# The end of a prompt in which A1111 reads a weight of the whole: `1girl, :3`.
_WEIGHT_AT_END = re.compile(r":\s*[-+]?[\d.]+\s*$")


class Places(msgspec.Struct, frozen=True):
    """A user's text, and how far into it each rank of the card's order reaches.

    ends: (rank, end) of the parts between commas that hold tags, in the order of the text.
    start: where the first part begins; none if there is no part.
    """

    text: str
    dialect: str
    ends: tuple[tuple[int, int], ...]
    start: int | None

    def filled(self, added: Sequence[tuple[str, int]]) -> str:
        """The text with `added`, pairs of a tag as it is typed and its rank.

        A tag goes behind the last part of the same or an earlier rank, before all of them if
        there is none.
        """
        if not added:
            return self.text
        if self.start is None:
            return self._appended([tag for tag, _ in added])
        pieces: dict[int, list[str]] = {}
        for tag, rank in sorted(added, key=lambda pair: pair[1]):
            pieces.setdefault(self._offset(rank), []).append(tag)
        text = self.text
        for offset in sorted(pieces, reverse=True):
            joined = ", ".join(pieces[offset])
            before = offset == -1
            at = self.start if before else offset
            text = text[:at] + (f"{joined}, " if before else f", {joined}") + text[at:]
        return self._closed(text)

    def _offset(self, rank: int) -> int:
        return max((end for own, end in self.ends if own <= rank), default=-1)

    def _appended(self, tags: Sequence[str]) -> str:
        """For a text without any tag: nothing, or commas and BREAK."""
        gap = " " if self.text.strip() else ""
        return self._closed(self.text + gap + ", ".join(tags))

    def _closed(self, text: str) -> str:
        """A comma keeps an added emoticon such as `:3` from weighing the whole prompt."""
        changed = _WEIGHT_AT_END.search(text) and not _WEIGHT_AT_END.search(self.text)
        return f"{text}," if changed else text


def places(prompt: Prompt, card: ImageCard, lexicon: Lexicon) -> Places:
    """The places of `prompt`; an unknown tag counts as of the rank of the tag before it."""
    ends: list[tuple[int, int]] = []
    segments = [segment for section in prompt.sections for segment in section.segments]
    rank = -1
    for segment in segments:
        ranks = [order_rank(tag.name, card, lexicon) for tag in segment.tags]
        rank = min((own for own in ranks if own is not None), default=rank)
        if segment.tags:
            ends.append((rank, segment.span.end))
    return Places(
        prompt.text, prompt.dialect, tuple(ends), segments[0].span.start if segments else None
    )


def typed(name: str, dialect: str) -> str | None:
    """A canonical name as it is typed; None where no spelling is read as that one tag."""
    for spelling in (name, escaped(name)):
        tags = parse(spelling, dialect).tags
        if [(tag.name, tag.weight, tag.whole) for tag in tags] == [(name, 1.0, True)]:
            return spelling
    return None


def rank_of(name: str, card: ImageCard, lexicon: Lexicon) -> int:
    """Place of an added tag in the card's order; an unknown one is general."""
    rank = order_rank(name, card, lexicon)
    if rank is not None:
        return rank
    order = card.prompt.order
    return next((at for at, groups in enumerate(order) if "general" in groups), len(order))
