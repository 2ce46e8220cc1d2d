"""Large files of one prompt a line, cut into pieces that can be read one by one."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING

import msgspec

from tagkit.documents.reading import LONGEST_PROMPT
from tagkit.documents.records import continues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

# What bears on more than its own line, or wants an error that speaks of the whole file.
_JOINING = re.compile(rb"Negative prompt:|Steps: *\d|.*(?:#\s*tagkit:|\0|\r[^\n])", re.DOTALL)
# All that `_JOINING` finds has one of these; most files do not, and letters are sooner looked for.
_MARKS = (b"Negative prompt:", b"Steps:", b"#", b"\0", b"\r")
_LETTERS = tuple(mark[:1] for mark in _MARKS)


class Piece(msgspec.Struct, frozen=True):
    """Lines of a file: bytes from `start` to `end`; lines and code points of the file before."""

    start: int
    end: int
    lines: int
    offset: int


def pieces(path: Path, size: int) -> list[Piece] | None:
    """Pieces that hold the prompts of the file between them, each of some more bytes than `size`.

    None where the file cannot be cut: what one of its lines means hangs on others, or it is not
    the text that it should be. Raises OSError.
    """
    with path.open("rb") as file:
        return _cut(file, size)


def read_piece(path: Path, piece: Piece) -> str:
    """The text of a piece."""
    with path.open("rb") as file:
        file.seek(piece.start)
        return file.read(piece.end - piece.start).decode()


def _cut(file: BinaryIO, size: int) -> list[Piece] | None:
    found: list[Piece] = []
    start = before = offset = 0
    for block in _blocks(file, size):
        length = _length(block)
        if length is None or (not found and block.startswith(BOM_UTF8)):
            return None
        end = start + len(block)
        found.append(Piece(start, end, before, offset))
        start, before, offset = end, before + block.count(b"\n"), offset + length
    return found


def _blocks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Whole lines of some size, the first of which does not belong to the line before."""
    line = file.readline()
    while line:
        block = [line, file.read(size), file.readline()]
        line = file.readline()
        while line and _belongs_to_the_line_before(line):
            block.append(line)
            line = file.readline()
        yield b"".join(block)


def _belongs_to_the_line_before(line: bytes) -> bool:
    """A comment may stand between a prompt and the line that goes on with it."""
    text = line.decode(errors="replace")
    return continues(text) or text.lstrip().startswith("#")


def _length(block: bytes) -> int | None:
    """The code points of lines; None if they are no text, or the meaning of one hangs on others."""
    if _has_a_long_line(block) or _may_join(block):
        return None
    if block.isascii():
        return len(block)
    try:
        return len(block.decode())
    except UnicodeDecodeError:
        return None


def _has_a_long_line(block: bytes) -> bool:
    at = 0
    while len(block) - at > LONGEST_PROMPT:
        at = block.rfind(b"\n", at, at + LONGEST_PROMPT + 1) + 1
        if not at:
            return True
    return False


def _may_join(block: bytes) -> bool:
    if not any(letter in block for letter in _LETTERS):
        return False
    return any(mark in block for mark in _MARKS) and any(map(_JOINING.match, block.split(b"\n")))
