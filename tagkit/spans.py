"""Places in a text: half-open spans of code points, lines and columns."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate

import msgspec

LINE_END = re.compile(r"\r\n|\r|\n")


class Span(msgspec.Struct, frozen=True, order=True, gc=False):
    """`start` and `end` in code points, half open: `text[start:end]`."""

    start: int
    end: int

    def shifted(self, offset: int) -> Span:
        """The same span in a text that begins `offset` code points earlier."""
        return Span(self.start + offset, self.end + offset)

    def overlaps(self, other: Span) -> bool:
        """Whether both have a code point, or one is an insertion inside the other."""
        return self.start < other.end and other.start < self.end


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place for people: `line` and `column` from 1, `offset` from 0, in code points."""

    line: int
    column: int
    offset: int


def line_starts(text: str) -> list[int]:
    """Where each line begins; the first does at 0."""
    if "\r" in text:
        return [0, *(end.end() for end in LINE_END.finditer(text))]
    lengths = [len(line) + 1 for line in text.split("\n")]
    return list(accumulate(lengths[:-1], initial=0))


class LineMap:
    """Offsets of one text to lines and columns. A line ends with `\\n`, `\\r\\n` or `\\r`."""

    def __init__(self, text: str) -> None:
        self._starts = line_starts(text)

    def position(self, offset: int) -> Position:
        """Line and column of `offset`, which may be the end of the text."""
        return Position(*self.place(offset), offset)

    def place(self, offset: int) -> tuple[int, int]:
        """The same without the offset."""
        line = bisect_right(self._starts, offset, 1)
        return line, offset - self._starts[line - 1] + 1
