"""Documents from files and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.documents.records import parse_document
from tagkit.documents.styles import parse_styles
from tagkit.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from tagkit.documents.values import Document

STYLES_SUFFIX = ".csv"
LONGEST_PROMPT = 50_000


def read_document(path: Path, split: str = "lines", *, captions: bool = False) -> Document:
    """Reads a UTF-8 prompt file; UserError when it cannot be read or holds no prompt."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read `{path}`", error.strerror or str(error)) from error
    return decode_document(content, str(path), split, captions=captions)


def decode_document(
    content: bytes, name: str, split: str = "lines", *, captions: bool = False
) -> Document:
    """The document of these bytes; `name` stands for it in errors. Raises UserError."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"`{name}` is not UTF-8 text", f"byte {error.start}", "save it as UTF-8"
        ) from error
    if "\0" in text:
        raise UserError(f"`{name}` is not a text file", f"NUL at character {text.index(chr(0))}")
    body = text.removeprefix("\ufeff")
    if name.lower().endswith(STYLES_SUFFIX):
        document = parse_styles(body, name)
    else:
        document = parse_document(body, name, split, captions=captions)
    if not document.records:
        noun = "caption" if captions else "prompt"
        raise UserError(f"`{name}` holds no {noun}", "", f"write one {noun} a line")
    for record in document.records:
        if len(record.positive) + len(record.negative or "") > LONGEST_PROMPT:
            size = f"{len(record.positive) + len(record.negative or ''):,}"
            what = f"a prompt of `{name}` has {size} characters; no model reads so many"
            raise UserError(what, f"{name}:{record.line}", f"at most {LONGEST_PROMPT:,}")
    return msgspec.structs.replace(document, bom=text.startswith("\ufeff"))
