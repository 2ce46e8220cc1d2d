"""Image files written by hand, byte by byte, for the tests of their readers."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(*chunks: bytes) -> bytes:
    """A picture of one grey pixel; the chunks stand behind the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return SIGNATURE + header + pixels + b"".join(chunks) + chunk(b"IEND", b"")


def text_chunk(keyword: str, text: str) -> bytes:
    return chunk(b"tEXt", f"{keyword}\0{text}".encode())


def png_with(**texts: str) -> bytes:
    """A picture with `tEXt` chunks; `_` in a keyword stands for `-`."""
    return png(*(text_chunk(keyword.replace("_", "-"), text) for keyword, text in texts.items()))
