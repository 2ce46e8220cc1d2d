"""Infotext hidden in the lowest bits of pixels, as sd-webui-stealth-pnginfo and NovelAI write it.

Column by column, one bit a pixel of the alpha channel (or three, of red, green and blue): fifteen
bytes of signature, the length in bits as four bytes, the text, which may be gzip.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tagkit.infotext.png import MOST_TEXT, inflated

if TYPE_CHECKING:
    from PIL import Image

# Signature: channels, packed or not.
_SIGNATURES = {
    b"stealth_pnginfo": ("A", False),
    b"stealth_pngcomp": ("A", True),
    b"stealth_rgbinfo": ("RGB", False),
    b"stealth_rgbcomp": ("RGB", True),
}
_SIGNATURE_LENGTH = 15
_HEAD_LENGTH = _SIGNATURE_LENGTH + 4
_MOST_PIXELS = 1 << 26
_LOWEST_BITS = bytes(ord("0") + (value & 1) for value in range(256))


def stealth_text(image: Image.Image) -> str | None:
    """The hidden text of an open image, None if there is none. Raises BrokenDataError."""
    lossless = image.format in ("PNG", "WEBP") and image.mode in ("RGB", "RGBA")
    if not lossless or image.width * image.height > _MOST_PIXELS:
        return None
    for channels in ("A", "RGB")[image.mode == "RGB" :]:
        head = _hidden(image, channels, _HEAD_LENGTH)
        found = _SIGNATURES.get(head[:_SIGNATURE_LENGTH])
        if found and found[0] == channels:
            length = int.from_bytes(head[_SIGNATURE_LENGTH:], "big") // 8
            return _payload(image, channels, length, found[1])
    return None


def _payload(image: Image.Image, channels: str, length: int, packed: bool) -> str | None:
    if not 0 < length <= min(MOST_TEXT, image.width * image.height * len(channels) // 8):
        return None
    data = _hidden(image, channels, _HEAD_LENGTH + length)[_HEAD_LENGTH:]
    if packed:
        data = inflated(data, wbits=zlib.MAX_WBITS | 16)
    return data.decode("utf-8", "replace")


def _hidden(image: Image.Image, channels: str, length: int) -> bytes:
    """The first `length` hidden bytes of the channels, fewer if the image is too small."""
    from PIL import Image

    bits_a_column = image.height * len(channels)
    columns = min(image.width, -(-length * 8 // bits_a_column))
    part = image.crop((0, 0, columns, image.height))
    part = part.getchannel("A") if channels == "A" else part.convert("RGB")
    bits = part.transpose(Image.Transpose.TRANSPOSE).tobytes().translate(_LOWEST_BITS)
    length = min(length, len(bits) // 8)
    return int(bits[: length * 8] or b"0", 2).to_bytes(length, "big")
