"""What A1111 takes out of a prompt, or cuts it at, before it reads the weights."""

from __future__ import annotations

import re

_COMMENT_LINE = re.compile(r"(^|\n)#[^\n]*(\n|$)")
_COMMENT = re.compile(r"#[^\n]*(\n|$)")
_NETWORK = re.compile(r"<(\w+):([^>]+)>")
_AND = re.compile(r"\bAND\b")
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?|\d*\.\d+)")


def without_comments(text: str) -> str:
    """`#` to the end of the line taken out, as A1111's built-in comments script does."""
    if "#" not in text:
        return text
    return _COMMENT.sub("\n", _COMMENT_LINE.sub("\n", text))


def without_networks(text: str) -> str:
    """`<lora:name:0.8>` and its like taken out; the commas around them stay, as in A1111."""
    return _NETWORK.sub("", text) if "<" in text else text


def and_parts(text: str) -> list[tuple[str, float]]:
    """The parts that AND parts, and their weights.

    A1111 reads a bare `:number` at the end of a part as its weight, even where there is no AND.
    """
    return [_weighted_part(part.rstrip()) for part in _AND.split(text)]


def _weighted_part(part: str) -> tuple[str, float]:
    before, colon, number = part.rpartition(":")
    if colon and _NUMBER.fullmatch(number):
        return before.rstrip(), float(number)
    return part, 1.0
