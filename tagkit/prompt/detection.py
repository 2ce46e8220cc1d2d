"""Which dialect a prompt is written in, by what only that dialect writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DEFAULT = "a1111"


class _Sign(NamedTuple):
    """`mark` is in every text that `pattern` finds; most prompts are spared the pattern by it."""

    dialect: str
    mark: str
    pattern: re.Pattern[str]
    shown: str


# Stated in docs/prompt-grammar.md. A sign counts once for each place where it is found.
_SIGNS = tuple(
    _Sign(dialect, mark, re.compile(pattern), shown)
    for dialect, mark, pattern, shown in (
        ("novelai", "::", r"(?<![\w.])[+-]?(?:\d+\.?\d*|\.\d+)::(?=\s*[^\s|}])", "`1.2::text::`"),
        ("novelai", "{{", r"\{\{[^{}|$_]+\}\}", "`{{text}}`"),
        ("compel", "++", r"[^\W\d_]\+\+(?=[\s,)]|$)", "`word++`"),
        ("compel", "--", r"[^\W\d_]--(?=[\s,)]|$)", "`word--`"),
        ("compel", ")", r"\)(?:\++|-+|[0-2]?\.\d+|[0-2]\.\d*)(?=[\s,)]|$)", "`(text)1.2`"),
        ("compel", ").", r"\)\.(?:and|blend|swap)\(", "`.and()`"),
        ("comfyui", "embedding:", r"\bembedding:\w", "`embedding:name`"),
        ("comfyui", "/*", r"/\*", "`/* comment */`"),
        ("a1111", "<", r"<(?:lora|lyco|hypernet):[^>]+>", "`<lora:name:1>`"),
        ("a1111", "BREAK", r"\bBREAK\b", "BREAK"),
        ("a1111", "AND", r"\bAND\b", "AND"),
        ("a1111", ")", r":\s*[+-]?[.\d]+\s*\)", "`(text:1.2)`"),
        ("a1111", "]", r"\[[^\[\]|]*:[^\[\]|]*:\s*[\d.]+\s*\]", "`[a:b:0.5]`"),
    )
)


class Detection(NamedTuple):
    """A dialect, and the sign that told; `sign` is "" where there was none."""

    dialect: str
    sign: str


def signs(text: str, dialects: Sequence[str]) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Every sign of these dialects in `text`: its dialect, what it is, from where to where."""
    for sign in _SIGNS:
        if sign.mark in text and sign.dialect in dialects:
            for found in sign.pattern.finditer(text):
                yield sign.dialect, sign.shown, found.span()


def detect_dialect(text: str) -> Detection:
    """The dialect whose signs `text` shows most often; a1111 where it shows none.

    `(text:1.2)` is ComfyUI's way too; without one of its own signs it is read as a1111, which
    differs only in how nested weights combine.
    """
    counts: dict[str, int] = {}
    first: dict[str, str] = {}
    for dialect, sign, _ in signs(text, [each.dialect for each in _SIGNS]):
        counts[dialect] = counts.get(dialect, 0) + 1
        first.setdefault(dialect, sign)
    if not counts:
        return Detection(DEFAULT, "")
    best = max(counts, key=lambda dialect: (counts[dialect], dialect == DEFAULT))
    return Detection(best, first[best])
