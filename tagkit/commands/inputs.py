"""What commands take as arguments: files, folders, text, or `-` for stdin."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tagkit.documents import Document, decode_document, parse_document, read_document
from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"
TEXT = "<text>"
KNOWN_SUFFIXES = frozenset(
    ".txt .text .prompt .yaml .yml .json .csv .png .jpg .jpeg .webp .avif .safetensors".split()
)
IMAGE_SUFFIXES = frozenset(".png .jpg .jpeg .webp .avif".split())


def named(arguments: Sequence[str], command: str) -> Sequence[str]:
    """The arguments, or stdin where there are none; on a terminal there is nothing to read."""
    if arguments:
        return arguments
    if sys.stdin is None or sys.stdin.isatty():
        raise UserError("there is nothing to read", "", f'tagkit {command} "1girl, smile"')
    return (STDIN,)


def expanded(arguments: Sequence[str]) -> Iterator[str]:
    """Folders become the `*.txt` files in them, sorted."""
    for argument in arguments:
        if not _is_folder(argument):
            yield argument
            continue
        found = sorted(Path(argument).glob("*.txt"))
        if not found:
            raise UserError(f"folder `{argument}` has no *.txt file")
        yield from map(str, found)


def open_document(argument: str, split: str = "lines") -> Document:
    """The document that an argument means. Raises UserError."""
    if argument == STDIN:
        return decode_document(sys.stdin.buffer.read(), "<stdin>", split)
    path = Path(argument)
    if is_file(argument):
        return (
            _image_document(path) if _suffix(path) in IMAGE_SUFFIXES else read_document(path, split)
        )
    if _suffix(path) in KNOWN_SUFFIXES:
        raise UserError(f"there is no file `{argument}`")
    document = parse_document(argument, TEXT, split)
    if not document.records:
        raise UserError("the prompt is empty")
    return document


def is_file(argument: str) -> bool:
    """Whether the argument names an existing file; a long prompt is no file name."""
    try:
        return Path(argument).is_file()
    except (OSError, ValueError):
        return False


def _is_folder(argument: str) -> bool:
    try:
        return Path(argument).is_dir()
    except (OSError, ValueError):
        return False


def _image_document(path: Path) -> Document:
    from tagkit.infotext import read_image

    document = parse_document(str(read_image(path)), str(path), "file")
    return msgspec.structs.replace(document, writable=False)


def _suffix(path: Path) -> str:
    return path.suffix.lower()
