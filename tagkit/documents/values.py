"""What a document holds."""

from __future__ import annotations

from typing import Literal

import msgspec

from tagkit.spans import Span

NEGATIVE = "Negative prompt:"


class Suppression(msgspec.Struct, frozen=True):
    """A comment `# tagkit: allow CODE, CODE`.

    codes: upper case. span: where they stand in the document. line: its line, line end included.
    """

    codes: tuple[str, ...]
    span: Span
    line: Span


class Record(msgspec.Struct, frozen=True, gc=False):
    """One prompt of a document, with its negative prompt and settings line where it has them.

    The spans say where the three texts stand in the document; `line` counts from 1. `suppressions`
    are the comments on the line before it and at the head of the file. missed: what the card
    wants in the negative prompt and is to be missed there; only its base, or nothing, where the
    rest comes there in rendering or is not wanted.
    """

    positive: str
    positive_span: Span
    line: int
    negative: str | None = None
    negative_span: Span | None = None
    settings: str | None = None
    settings_span: Span | None = None
    suppressions: tuple[Suppression, ...] = ()
    missed: Literal["all", "base", "nothing"] = "all"

    @property
    def allowed(self) -> frozenset[str]:
        """The rule codes that its suppressions name."""
        return frozenset(code for each in self.suppressions for code in each.codes)


class Document(msgspec.Struct, frozen=True):
    """A prompt file: `text` without byte order mark (`bom` says whether it had one).

    writable: whether a record can be replaced by writing its new text to its span. captions: its
    records are captions of a training picture.
    """

    path: str
    text: str
    records: tuple[Record, ...]
    bom: bool = False
    writable: bool = True
    captions: bool = False

    def encoded(self, text: str) -> bytes:
        """`text` as bytes in the encoding of this file."""
        return (("\ufeff" if self.bom else "") + text).encode()
