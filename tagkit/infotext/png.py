"""The texts of a PNG file, read chunk by chunk and within bounds; no pixel is decoded."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from tagkit.infotext.values import BrokenDataError

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# All texts of a picture together; a graph with pictures inside stays below it.
MOST_TEXT = 16 * 1024 * 1024
# Programs that say something of how a picture was made say it here.
_KEYWORDS = frozenset(
    b"parameters postprocessing prompt Comment Description Software Source "
    b"invokeai_metadata sd-metadata Dream dream".split()
)
_TEXT_KINDS = (b"tEXt", b"zTXt", b"iTXt")
_HEAD = 8
_CHECKSUM = 4


class _Chunk(NamedTuple):
    kind: bytes
    keyword: bytes
    body: bytes


def png_texts(file: BinaryIO) -> dict[str, str]:
    """The texts of an open PNG file by keyword, whatever is damaged behind them.

    Raises BrokenDataError where they are longer than `MOST_TEXT`, packed or not.
    """
    texts: dict[str, str] = {}
    left = MOST_TEXT
    for chunk in _chunks(file):
        content, text = _content(chunk, left)
        left -= len(content)
        texts.setdefault(chunk.keyword.decode(), text)
    return texts


def _chunks(file: BinaryIO) -> Iterator[_Chunk]:
    """The texts that matter. A chunk: four bytes of length, four of kind, data, a checksum."""
    file.seek(len(SIGNATURE))
    longest = max(map(len, _KEYWORDS)) + 1
    while len(head := file.read(_HEAD)) == _HEAD:
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        end = file.tell() + length
        begin = file.read(min(length, longest)) if kind in _TEXT_KINDS else b""
        keyword, zero, body = begin.partition(b"\0")
        if zero and keyword in _KEYWORDS:
            if length > MOST_TEXT:
                raise too_long()
            body += file.read(end - file.tell())
            if file.tell() == end:
                yield _Chunk(kind, keyword, body)
        file.seek(end + _CHECKSUM)


def _content(chunk: _Chunk, most: int) -> tuple[bytes, str]:
    """The bytes of a text, unpacked, and the text."""
    body = chunk.body
    if chunk.kind == b"iTXt":
        # Behind the two flags stand a language tag and a translated keyword, ended by zeros.
        content = body[2:].split(b"\0", 2)[-1]
        content = inflated(content, most) if body[:1] == b"\1" else content
        return content, content.decode("utf-8", "replace")
    content = inflated(body[1:], most) if chunk.kind == b"zTXt" else body
    if len(content) > most:
        raise too_long()
    return content, _latin_or_utf8(content)


def _latin_or_utf8(data: bytes) -> str:
    """The standard says Latin-1; many writers put UTF-8 there."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def inflated(data: bytes, most: int = MOST_TEXT, wbits: int = zlib.MAX_WBITS) -> bytes:
    """Unpacked bytes. Raises BrokenDataError if they are more than `most`, or no packed bytes."""
    unpacking = zlib.decompressobj(wbits)
    try:
        content = unpacking.decompress(data, most + 1)
    except zlib.error as error:
        raise BrokenDataError(str(error)) from error
    if len(content) > most:
        raise too_long()
    return content


def too_long() -> BrokenDataError:
    """What is said of texts beyond `MOST_TEXT`."""
    return BrokenDataError(f"its texts are longer than {MOST_TEXT >> 20} MiB: no program's work")
