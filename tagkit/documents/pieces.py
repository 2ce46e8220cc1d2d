"""Large files of one prompt a line, cut into pieces that can be read one by one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tagkit.documents.reading import LONGEST_PROMPT
from tagkit.documents.records import continues

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LINES = 2000

# What bears on more than its own line, or wants an error that speaks of the whole file.
_JOINING = re.compile(rb"Negative prompt:|Steps: *\d|.*(?:#\s*tagkit:|\0|\r[^\n])", re.DOTALL)
# All that `_JOINING` finds begins with one of these, or has one of them; most lines do not.
_BEGINNINGS, _MARKS = (b"Negative", b"Steps"), (b"#", b"\0", b"\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Piece(msgspec.Struct, frozen=True):
    """Lines of a file: bytes from `start` to `end`; lines and code points of the file before."""

    start: int
    end: int
    lines: int
    offset: int


def pieces(path: Path) -> list[Piece] | None:
    """Pieces of some thousand lines that hold the prompts of the file between them.

    None where the file cannot be cut: what one of its lines means hangs on others, or it is not
    the text that it should be. Raises OSError.
    """
    with path.open("rb") as file:
        return _cut(file)


def read_piece(path: Path, piece: Piece) -> str:
    """The text of a piece."""
    with path.open("rb") as file:
        file.seek(piece.start)
        return file.read(piece.end - piece.start).decode()


def _cut(lines: Iterable[bytes]) -> list[Piece] | None:
    found: list[Piece] = []
    start = end = offset = position = count = before = 0
    for number, line in enumerate(lines):
        text = _plain_text(line)
        if text is None or (number == 0 and line.startswith(_BYTE_ORDER_MARK)):
            return None
        if count >= LINES and not _belongs_to_the_line_before(text):
            found.append(Piece(start, end, before, offset))
            start, offset, before, count = end, position, number, 0
        end += len(line)
        position += len(text)
        count += 1
    return [*found, Piece(start, end, before, offset)]


def _belongs_to_the_line_before(line: str) -> bool:
    """A comment may stand between a prompt and the line that goes on with it."""
    return continues(line) or line.lstrip().startswith("#")


def _plain_text(line: bytes) -> str | None:
    """The line as text, if its meaning is its own."""
    if len(line) > LONGEST_PROMPT:
        return None
    is_odd = line.startswith(_BEGINNINGS) or any(mark in line for mark in _MARKS)
    if is_odd and _JOINING.match(line):
        return None
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
