"""Places in a checkpoint's order put in order: units of segments, or tags that sort alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import msgspec


class Units(NamedTuple):
    """The segments of a section that sort, each with the unknown ones that follow it.

    ranks: of each unit. slots: the places of its segments.
    """

    ranks: list[int]
    slots: list[list[int]]

    def add(self, slot: int, homes: Sequence[int]) -> None:
        """One more unit, of a segment with these homes."""
        self.ranks.append(first_home(homes, self.ranks[-1] if self.ranks else 0))
        self.slots.append([slot])


class Sorting(msgspec.Struct, frozen=True, gc=False):
    """How a section that is out of order comes into it.

    moved, other: places of the first segment that stands in front of one that belongs before it,
    and of the first of those. moves: each place whose segment changes, and where the new one
    stands; none where that would tear a unit apart around something that keeps its place.
    """

    moved: int
    other: int
    moves: Sequence[tuple[int, int]]


def unit_sorting(units: Units) -> Sorting | None:
    """How the units come into order; None if they are in order."""
    ranks, slots = units
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    if order == list(range(len(ranks))):
        return None
    moved, other = first_inversion(ranks)
    return Sorting(slots[moved][0], slots[other][0], _moves(slots, order))


def list_sorting(homes: Sequence[Sequence[int]]) -> Sorting | None:
    """How a list of plain tags with these homes comes into order; None if it is in order.

    None of the tags takes more than its homes. Nothing can tear a unit apart, so each tag sorts by
    itself, an unknown one like that before it; in first place it stays there.
    """
    ranks: list[int] = []
    rank = -1
    for each in homes:
        if each:
            rank = each[0] if len(each) == 1 else first_home(each, rank)
        ranks.append(rank)
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    moves = [(slot, source) for slot, source in enumerate(order) if slot != source]
    if not moves:
        return None
    moved, _ = moves[0]  # all in front of it stand where they belong
    return Sorting(moved, _first_below(ranks, moved), moves)


def first_home(homes: Sequence[int], before: int) -> int:
    """Of several homes the first that is not in front of the tag before; the last if all are."""
    return next((home for home in homes if home >= before), homes[-1])


def is_in_order(places: Sequence[tuple[int, ...]]) -> bool:
    """Whether each tag of a list may stand behind those in front of it, by the homes of all."""
    rank = 0
    last: tuple[int, ...] = ()
    for homes in places:
        if homes is not last and homes:  # behind one of the same homes nothing is new
            last = homes
            if homes[-1] < rank:
                return False
            rank = _home_behind(homes, rank)
    return True


def _home_behind(homes: Sequence[int], rank: int) -> int:
    """The first of a tag's `homes` that is not in front of `rank`; `rank` if none is."""
    for home in homes:
        if home >= rank:
            return home
    return rank


def first_inversion(ranks: Sequence[int]) -> tuple[int, int]:
    """The first unit that stands in front of one that belongs before it, and the first of those.

    `ranks` are not sorted.
    """
    moved = next(at for at, rank in enumerate(sorted(ranks)) if ranks[at] != rank)
    return moved, _first_below(ranks, moved)


def _first_below(ranks: Sequence[int], at: int) -> int:
    """The first unit behind the one at `at` that belongs before it; there is one."""
    rank = ranks[at]
    return next(place for place in range(at + 1, len(ranks)) if ranks[place] < rank)


def _moves(slots: Sequence[Sequence[int]], order: Sequence[int]) -> Sequence[tuple[int, int]]:
    """Segments put into the slots of the sorted order; separators stay where they are."""
    targets = list(chain.from_iterable(slots))
    at = 0
    for unit in order:
        last = at + len(slots[unit]) - 1
        if targets[last] - targets[at] != slots[unit][-1] - slots[unit][0]:
            return ()
        at = last + 1
    sources = chain.from_iterable([slots[unit] for unit in order])
    return [pair for pair in zip(targets, sources, strict=True) if pair[0] != pair[1]]
