"""Where image files keep their infotext: a PNG text chunk, the EXIF user comment elsewhere."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.extras import need
from tagkit.infotext.a1111 import Infotext, read_infotext

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"parameters"
_MOST_TEXT = 16 * 1024 * 1024
_EXIF_FOLDER, _USER_COMMENT = 0x8769, 0x9286


def read_image(path: Path | str) -> Infotext:
    """The generation data of a PNG, JPEG or WebP file.

    Raises UserError for a file that is no image, and for an image that carries none.
    """
    content = _content(path)
    text = _png_text(content) if content.startswith(PNG) else None
    text = text or _exif_text(path)
    if not text:
        hint = "programs that edit or share pictures often remove it"
        raise UserError(f"`{path}` carries no generation data", "", hint)
    return read_infotext(text)


def comment_text(comment: bytes) -> str:
    """The text of an EXIF user comment: eight bytes of encoding, then the text.

    `UNICODE` is UTF-16 in either byte order; writers disagree, so a mark at the beginning or else
    the places of the zero bytes decide.
    """
    code, body = comment[:8], comment[8:]
    if code.startswith(b"UNICODE"):
        return _utf16(body).strip("\0")
    if code.rstrip(b"\0") in (b"", b"ASCII", b"UTF8", b"UTF-8"):
        comment = body
    return comment.decode("utf-8", "replace").strip("\0")


def _content(path: Path | str) -> bytes:
    from pathlib import Path

    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read `{path}`", error.strerror or str(error)) from error


def _png_text(content: bytes) -> str | None:
    for kind, data in _png_chunks(content):
        if kind in (b"tEXt", b"zTXt", b"iTXt") and data.startswith(_KEYWORD + b"\0"):
            return _chunk_text(kind, data[len(_KEYWORD) + 1 :])
    return None


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Type and data of each chunk: four bytes of length, four of type, the data, a checksum."""
    at = len(PNG)
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += length + 12


def _chunk_text(kind: bytes, data: bytes) -> str:
    if kind == b"tEXt":
        return _latin_or_utf8(data)
    if kind == b"zTXt":
        return _latin_or_utf8(_inflated(data[1:]))
    compressed = data[:1] == b"\1"
    # Behind the two flags stand a language tag and a translated keyword, each ended by a zero.
    text = data[2:].split(b"\0", 2)[-1]
    return (_inflated(text) if compressed else text).decode("utf-8", "replace")


def _latin_or_utf8(data: bytes) -> str:
    """The standard says Latin-1; many writers put UTF-8 there."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _inflated(data: bytes) -> bytes:
    """Inflated, up to a size that no honest text reaches."""
    try:
        return zlib.decompressobj().decompress(data, _MOST_TEXT)
    except zlib.error:
        return b""


def _exif_text(path: Path | str) -> str | None:
    need("render", "PIL")
    from PIL import Image

    try:
        with Image.open(path) as image:
            comment = image.getexif().get_ifd(_EXIF_FOLDER).get(_USER_COMMENT)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"cannot read `{path}` as an image", str(error)) from error
    if isinstance(comment, str):
        return comment
    return comment_text(comment) if comment else None


def _utf16(body: bytes) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    # Most characters of a prompt are below 256, so one byte of each pair is zero: the high one.
    big = body[0::2].count(0) >= body[1::2].count(0)
    return body.decode("utf-16-be" if big else "utf-16-le", "replace")
