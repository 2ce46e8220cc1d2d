"""JSON values that stand within other text."""

from __future__ import annotations

import json

_DECODER = json.JSONDecoder(strict=False)
_WINDOW = 4096
# Escapes and words that a window may cut: `-Infinity`, `\\ud83c\\udf3f`.
_LONGEST_TOKEN = 12


def json_at(text: str, at: int) -> tuple[object, int] | None:
    """The array, object or string that begins at `at`, and where it ends; None if none does.

    It is decoded from a window that grows as long as the value is cut by it: to report an error
    the decoder counts all lines before it, and texts full of broken values would take forever.
    """
    size = _WINDOW
    while True:
        try:
            value, length = _DECODER.raw_decode(text[at : at + size])
        except json.JSONDecodeError as error:
            if at + size >= len(text) or not _is_cut(error, size):
                return None
            size *= 4
        except (ValueError, RecursionError):
            return None
        else:
            return value, at + length


def _is_cut(error: json.JSONDecodeError, size: int) -> bool:
    return error.pos > size - _LONGEST_TOKEN or error.msg.startswith("Unterminated string")


def without_surrogates(text: str) -> str:
    """JSON can spell half a character, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
