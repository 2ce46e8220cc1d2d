"""Prompts as users write them: a lossless tree, tags, weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.prompt.attention import weighted_spans
from tagkit.prompt.comfyui import comfyui_spans
from tagkit.prompt.compel import compel_spans
from tagkit.prompt.grammars import CAPTION, GRAMMARS
from tagkit.prompt.names import canonical, escaped
from tagkit.prompt.novelai import novelai_spans
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

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CAPTIONS",
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
    "convert",
    "escaped",
    "parse",
    "schedule",
    "weighted_text",
    "without_comments",
    "without_networks",
]

CAPTIONS = CAPTION.name
"""What `parse` takes instead of a dialect for a caption of a training picture."""
DIALECTS = tuple(name for name in GRAMMARS if name != CAPTIONS)


_READERS = {
    "a1111": weighted_spans,
    "comfyui": comfyui_spans,
    "novelai": novelai_spans,
    "compel": compel_spans,
}


def parse(text: str, dialect: str = "a1111") -> Prompt:
    """The tree of `text`; `str(parse(text)) == text` for any text.

    Raises UserError for an unknown dialect only.
    """
    _require(dialect, (*DIALECTS, CAPTIONS))
    return parsed(text, dialect)


def weighted_text(text: str, dialect: str = "a1111") -> list[tuple[str, float]]:
    """Texts with their weights, as the dialect's own program reads them.

    In a1111 BREAK is `("BREAK", -1.0)`. Raises UserError for an unknown dialect, and where that
    program fails: on a weight that is no number.
    """
    _require(dialect)
    return _READERS[dialect](text)


def convert(text: str, from_: str, to: str) -> str:
    """`text` of dialect `from_` as the dialect `to` writes it, read the same by both programs.

    Raises UserError for an unknown dialect, and where a part has no equal in `to`.
    """
    _require(to)
    spans = weighted_text(text, from_)
    if from_ == to:
        return text
    from tagkit.prompt.conversion import converted

    return converted(parse(text, from_), spans, to, _READERS[to])


def _require(dialect: str, known: Sequence[str] = DIALECTS) -> None:
    if dialect not in known:
        raise UserError(f"there is no dialect `{dialect}`", "", f"dialects: {', '.join(DIALECTS)}")
