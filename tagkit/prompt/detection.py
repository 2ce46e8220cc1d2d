"""Which dialect a prompt is written in, by what only that dialect writes."""

from __future__ import annotations

import re
from typing import NamedTuple

DEFAULT = "a1111"

# Stated in docs/prompt-grammar.md. A sign counts once for each place where it is found.
_SIGNS = (
    ("novelai", re.compile(r"(?<![\w.])[+-]?(?:\d+\.?\d*|\.\d+)::(?=\s*[^\s|}])"), "`1.2::text::`"),
    ("novelai", re.compile(r"\{\{[^{}|$_]+\}\}"), "`{{text}}`"),
    ("compel", re.compile(r"[^\W\d_](?:\+\+|--)(?=[\s,)]|$)"), "`word++`"),
    ("compel", re.compile(r"\)(?:\++|-+|[0-2]?\.\d+|[0-2]\.\d*)(?=[\s,)]|$)"), "`(text)1.2`"),
    ("compel", re.compile(r"\)\.(?:and|blend|swap)\("), "`.and()`"),
    ("comfyui", re.compile(r"\bembedding:\w"), "`embedding:name`"),
    ("comfyui", re.compile(r"/\*"), "`/* comment */`"),
    ("a1111", re.compile(r"<(?:lora|lyco|hypernet):[^>]+>"), "`<lora:name:1>`"),
    ("a1111", re.compile(r"\b(?:BREAK|AND)\b"), "BREAK or AND"),
    ("a1111", re.compile(r":\s*[+-]?[.\d]+\s*\)"), "`(text:1.2)`"),
    ("a1111", re.compile(r"\[[^\[\]|]*:[^\[\]|]*:\s*[\d.]+\s*\]"), "`[a:b:0.5]`"),
)


class Detection(NamedTuple):
    """A dialect, and the sign that told; `sign` is "" where there was none."""

    dialect: str
    sign: str


def detect_dialect(text: str) -> Detection:
    """The dialect whose signs `text` shows most often; a1111 where it shows none.

    `(text:1.2)` is ComfyUI's way too; without one of its own signs it is read as a1111, which
    differs only in how nested weights combine.
    """
    counts: dict[str, int] = {}
    first: dict[str, str] = {}
    for dialect, pattern, sign in _SIGNS:
        found = len(pattern.findall(text))
        if found:
            counts[dialect] = counts.get(dialect, 0) + found
            first.setdefault(dialect, sign)
    if not counts:
        return Detection(DEFAULT, "")
    best = max(counts, key=lambda dialect: (counts[dialect], dialect == DEFAULT))
    return Detection(best, first[best])
