"""Captions of training pictures, as sd-scripts reads them: tags parted by commas."""

from __future__ import annotations

import re
from itertools import islice

from tagkit.prompt.names import canonical
from tagkit.spans import Span

# The usual `keep_tokens_separator` of sd-scripts.
SEPARATOR = "|||"

_TAG = re.compile(r"[^\s,](?:[^,]*[^\s,])?")


def kept_spans(text: str, keep_tokens: int = 0) -> tuple[Span, ...]:
    """What a trainer that shuffles tags keeps in its place.

    Everything up to the first `|||` and from a second one on; without one the first `keep_tokens`
    tags.
    """
    first = text.find(SEPARATOR)
    if first < 0 and not keep_tokens:
        return ()
    if first < 0:
        ends = [tag.end() for tag in islice(_TAG.finditer(text), keep_tokens)]
        return (Span(0, ends[-1]),) if ends else ()
    head_end = first + len(SEPARATOR)
    second = text.find(SEPARATOR, head_end)
    return (Span(0, head_end), *([Span(second, len(text))] if second >= 0 else []))


def caption_tags(text: str) -> list[str]:
    """The canonical names of a caption's tags, each once, in their order."""
    pieces = text.replace(SEPARATOR, ",").split(",")
    return list(dict.fromkeys(canonical(piece) for piece in pieces if piece.strip()))
