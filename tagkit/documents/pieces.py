"""Large files of one prompt a line, cut into pieces that can be read one by one."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from tagkit.documents.reading import LONGEST_PROMPT
from tagkit.documents.records import continues

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LINES = 2000

# What bears on more than its own line, or wants an error that speaks of the whole file.
_JOINING = re.compile(rb"Negative prompt:|Steps: *\d|.*(?:#\s*tagkit:|\0|\r[^\n])", re.DOTALL)
# All that `_JOINING` finds has one of these; most files do not.
_MARKS = (b"Negative", b"Steps", b"#", b"\0", b"\r")
_BYTE_ORDER_MARK = "\ufeff"


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


def _cut(file: Iterable[bytes]) -> list[Piece] | None:
    found: list[Piece] = []
    start = before = offset = 0
    for lines in _blocks(file):
        text = _plain_text(lines)
        if text is None or (not found and text.startswith(_BYTE_ORDER_MARK)):
            return None
        end = start + sum(map(len, lines))
        found.append(Piece(start, end, before, offset))
        start, before, offset = end, before + len(lines), offset + len(text)
    return found


def _blocks(file: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Some thousand lines each, the first of which does not belong to the line before."""
    lines = iter(file)
    block = list(islice(lines, LINES))
    for line in lines:
        if _belongs_to_the_line_before(line):
            block.append(line)
        else:
            yield block
            block = [line, *islice(lines, LINES - 1)]
    yield block


def _belongs_to_the_line_before(line: bytes) -> bool:
    """A comment may stand between a prompt and the line that goes on with it."""
    text = line.decode(errors="replace")
    return continues(text) or text.lstrip().startswith("#")


def _plain_text(lines: list[bytes]) -> str | None:
    """The lines as text, if the meaning of each is its own."""
    block = b"".join(lines)
    if max(map(len, lines), default=0) > LONGEST_PROMPT:
        return None
    if any(mark in block for mark in _MARKS) and any(map(_JOINING.match, lines)):
        return None
    try:
        return block.decode()
    except UnicodeDecodeError:
        return None
