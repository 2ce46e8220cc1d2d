"""Weights as ComfyUI reads them: the algorithm of `token_weights` in comfy/sd1_clip.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.prompt.lexer import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

EMPHASIS = 1.1

_BRACKET = re.compile(r"[()]")


def comfyui_spans(text: str) -> list[tuple[str, float]]:
    """Texts and weights in order; a written number replaces the weight around it.

    A bracket that is never closed is text up to the end; a stray closing bracket makes the next
    opening one text. Brackets deeper than any prompt has them are text too.
    """
    protected = text.replace("\\)", "\0]").replace("\\(", "\0[")
    spans = _weighed(protected, 1.0, MAX_DEPTH)
    return [(_restored(part), weight) for part, weight in spans] or [("", 1.0)]


def _restored(text: str) -> str:
    return text.replace("\0]", ")").replace("\0[", "(")


def _weighed(text: str, weight: float, depth: int) -> Iterator[tuple[str, float]]:
    for piece in _pieces(text):
        if not (depth and len(piece) > 1 and piece[0] == "(" and piece[-1] == ")"):
            yield piece, weight
            continue
        inner = piece[1:-1]
        before, colon, number = inner.rpartition(":")
        value = _number(number) if colon and before else None
        if value is None:
            yield from _weighed(inner, weight * EMPHASIS, depth - 1)
        else:
            yield from _weighed(before, value, depth - 1)


def _pieces(text: str) -> Iterator[str]:
    """The text cut around its outermost brackets."""
    start = level = 0
    for match in _BRACKET.finditer(text):
        opens = match[0] == "("
        if opens and level == 0 and match.start() > start:
            yield text[start : match.start()]
        if opens and level == 0:
            start = match.start()
        level += 1 if opens else -1
        if not opens and level == 0:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
