"""Known names that are spelt almost like one that is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.lexicon.lookup import Lexicon

SHOWN = 3
# So many slips a name of so many letters may hold; shorter ones are like too many others.
_SLIPS = ((6, 2), (4, 1))


def nearest(name: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Up to `SHOWN` curated names or names of the user's list, the likeliest first.

    Fewer slips come first, then more posts. A slip is a letter too many, too few, wrong, or
    swapped with the next (Damerau's distance); the first letter is taken to be right.
    """
    limit = next((slips for length, slips in _SLIPS if len(name) >= length), 0)
    ranks: dict[str, tuple[int, int]] = {}
    for candidate in _candidates(name, lexicon) if limit else ():
        slips = distance(name, candidate, limit)
        if slips <= limit:
            alias = lexicon.alias(candidate)
            entry = lexicon.find(alias.of if alias else candidate)
            if entry and entry.name != name:
                rank = (slips, -(entry.posts or 0))
                ranks[entry.name] = min(rank, ranks.get(entry.name, rank))
    return tuple(sorted(ranks, key=lambda each: (ranks[each], each))[:SHOWN])


def _candidates(name: str, lexicon: Lexicon) -> Iterator[str]:
    """Names that begin alike, are about as long, and are made of almost the same letters.

    A slip takes one letter away and adds another at most; this glance spares most of the work.
    """
    letters, length = frozenset(name), len(name)
    for each in _beginning_alike(name, lexicon):
        if abs(len(each) - length) <= 2 and len(letters.symmetric_difference(each)) <= 4:
            yield each


def _beginning_alike(name: str, lexicon: Lexicon) -> Iterator[str]:
    """Curated names with the same first letter; of a user's list, which is longer, less.

    Its names share the second letter too, or have the third one in its place.
    """
    yield from lexicon.tags.beginning(name[0])
    if lexicon.own:
        for beginning in sorted({name[:2], name[0] + name[2]}):
            yield from lexicon.own.beginning(beginning)


def distance(one: str, other: str, limit: int) -> int:
    """Slips between two texts, as Damerau counts them (optimal string alignment).

    Above `limit` the exact number is of no interest: `limit + 1` is returned.
    """
    earlier: list[int] = []
    above = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, its in enumerate(other, 1):
            slips = min(row[-1] + 1, above[j] + 1, above[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                slips = min(slips, earlier[j - 2] + 1)
            row.append(slips)
        if min(row) > limit:
            return limit + 1
        earlier, above = above, row
    return above[-1]
