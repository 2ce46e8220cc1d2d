"""Prompts as users write them: a lossless tree, tags, weights."""

from __future__ import annotations

from tagkit.errors import UserError
from tagkit.prompt.attention import weighted_spans
from tagkit.prompt.names import canonical, escaped
from tagkit.prompt.parser import parsed
from tagkit.prompt.scheduling import schedule
from tagkit.prompt.stripping import and_parts, without_comments, without_networks
from tagkit.prompt.tree import (
    Bracket,
    Break,
    Choice,
    Network,
    Node,
    Prompt,
    Section,
    Segment,
    Stray,
    Tag,
    Text,
    Wildcard,
)

__all__ = [
    "DIALECTS",
    "Bracket",
    "Break",
    "Choice",
    "Network",
    "Node",
    "Prompt",
    "Section",
    "Segment",
    "Stray",
    "Tag",
    "Text",
    "Wildcard",
    "and_parts",
    "canonical",
    "escaped",
    "parse",
    "schedule",
    "weighted_text",
    "without_comments",
    "without_networks",
]

DIALECTS = ("a1111",)


def parse(text: str, dialect: str = "a1111") -> Prompt:
    """The tree of `text`; `str(parse(text)) == text` for any text.

    Raises UserError for an unknown dialect only.
    """
    _require(dialect)
    return parsed(text)


def weighted_text(text: str, dialect: str = "a1111") -> list[tuple[str, float]]:
    """Texts with their weights, as the dialect's own program reads them.

    In a1111 BREAK is `("BREAK", -1.0)`. Raises UserError for an unknown dialect, and where that
    program fails: on a weight that is no number.
    """
    _require(dialect)
    return weighted_spans(text)


def _require(dialect: str) -> None:
    if dialect not in DIALECTS:
        raise UserError(f"there is no dialect `{dialect}`", "", f"dialects: {', '.join(DIALECTS)}")
