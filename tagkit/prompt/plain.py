"""Trees of prompts that are nothing but tags and commas, which most are.

They come out as the parser gives them, without its tokens and brackets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.prompt.names import canonical
from tagkit.prompt.tree import Prompt, Section, Segment, Tag, Text
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

# Means nothing to the grammar of any dialect with `keywords` or brackets: no capitals, which could
# be BREAK or AND, and no sign that opens, closes, weighs or escapes.
_PLAIN = re.compile(r"[a-z0-9 ,.'!?&@%^~$;=_-]*")
_WILDCARD = "__"


class Excerpt(Prompt, frozen=True):
    """A list of plain tags parted by `, `, and of its tree those tags that somebody asks for.

    It has no sections.
    """


def is_plain(text: str) -> bool:
    """Whether `text` is tags and commas for every dialect but compel, where `word-` is a weight."""
    return bool(_PLAIN.fullmatch(text)) and _WILDCARD not in text


def plain_prompt(text: str, dialect: str) -> Prompt:
    """The tree of a text that `is_plain`."""
    tags, at = [], 0
    for piece in text.split(","):
        written = piece.strip()
        if written:
            start = at + piece.find(written)
            tags.append(Tag(canonical(written), 1.0, Span(start, start + len(written))))
        at += len(piece) + 1
    return list_prompt(text, dialect, tags)


def list_prompt(text: str, dialect: str, tags: Sequence[Tag]) -> Prompt:
    """The tree of a text that is nothing but these tags and what parts them."""
    segments = [Segment(tag.span, (Text(tag.span, tag),), (tag,)) for tag in tags]
    section = Section(Span(0, len(text)), tuple(segments))
    return Prompt(text, dialect, (section,), tuple(tags), ())
