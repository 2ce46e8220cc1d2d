"""Trees of prompts that are nothing but tags and commas, which most are.

They come out as the parser gives them, without its tokens and brackets.
"""

from __future__ import annotations

import re

from tagkit.prompt.names import canonical
from tagkit.prompt.tree import Prompt, Section, Segment, Tag, Text
from tagkit.spans import Span

# Means nothing to the grammar of any dialect with `keywords` or brackets: no capitals, which could
# be BREAK or AND, and no sign that opens, closes, weighs or escapes.
_PLAIN = re.compile(r"[a-z0-9 ,.'!?&@%^~$;=_-]*")
_WILDCARD = "__"


def is_plain(text: str) -> bool:
    """Whether `text` is tags and commas for every dialect but compel, where `word-` is a weight."""
    return bool(_PLAIN.fullmatch(text)) and _WILDCARD not in text


def plain_prompt(text: str, dialect: str) -> Prompt:
    """The tree of a text that `is_plain`."""
    tags, segments, at = [], [], 0
    for piece in text.split(","):
        written = piece.strip()
        if written:
            start = at + piece.find(written)
            span = Span(start, start + len(written))
            tag = Tag(canonical(written), 1.0, span)
            tags.append(tag)
            segments.append(Segment(span, (Text(span, tag),), (tag,)))
        at += len(piece) + 1
    section = Section(Span(0, len(text)), tuple(segments))
    return Prompt(text, dialect, (section,), tuple(tags), ())
