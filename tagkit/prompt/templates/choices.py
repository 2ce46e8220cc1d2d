"""Three ways to choose: by chance, in turn, and one after another until all have been."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random


class Choices(Protocol):
    """Picks one of several; `totals` are their weights added up."""

    def pick(self, totals: Sequence[float]) -> int:
        """An index into `totals`."""


class Seeded:
    """By chance: as often as its weight says."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def pick(self, totals: Sequence[float]) -> int:
        """A random index."""
        last = len(totals) - 1
        return bisect_right(totals, self._random.random() * totals[-1], 0, last)


class InTurn:
    """The choices that belong to a number: counting it up goes through all of them."""

    def __init__(self, number: int) -> None:
        self._number = number

    def pick(self, totals: Sequence[float]) -> int:
        """The number's digit to the base of what there is."""
        self._number, digit = divmod(self._number, len(totals))
        return digit


class Every:
    """All choices: the first pass picks what is first, `advance` readies the next pass."""

    def __init__(self) -> None:
        self._picked: list[tuple[int, int]] = []
        self._at = 0

    def pick(self, totals: Sequence[float]) -> int:
        """What this pass has to take."""
        if self._at == len(self._picked):
            self._picked.append((0, len(totals)))
        self._at += 1
        return self._picked[self._at - 1][0]

    def advance(self) -> bool:
        """Go on to the next pass, the last choice changed first; False if there is none."""
        self._at = 0
        while self._picked:
            index, count = self._picked.pop()
            if index + 1 < count:
                self._picked.append((index + 1, count))
                return True
        return False
