"""What a check says: diagnostics with places, and the edits that cure them."""

from __future__ import annotations

from operator import attrgetter
from typing import Literal

import msgspec

from tagkit.packs import Safety, Severity
from tagkit.spans import Span

Where = Literal["positive", "negative", "settings", "comment"]
TEXTS: tuple[Where, ...] = ("positive", "negative", "settings")
PLACES: tuple[Where, ...] = (*TEXTS, "comment")
_PLACE = attrgetter("span")


class Edit(msgspec.Struct, frozen=True, gc=False):
    """`span` of the text is to become `text`; an empty span is an insertion."""

    span: Span
    text: str

    def shifted(self, offset: int) -> Edit:
        """The same edit in a text that begins `offset` code points earlier."""
        span = self.span
        return Edit(Span(span.start + offset, span.end + offset), self.text)


class Fix(msgspec.Struct, frozen=True, gc=False):
    """Edits that belong together. Safe ones keep what the prompt means."""

    title: str
    safety: Safety
    edits: tuple[Edit, ...]


class Diagnostic(msgspec.Struct, frozen=True, gc=False):
    """One finding of one rule.

    where: the text it was found in. span: its place there, or in the whole document once it is
    reported for one. once: it is said once a document.
    """

    code: str
    name: str
    severity: Severity
    message: str
    where: Where
    span: Span
    fix: Fix | None = None
    once: bool = False

    def shifted(self, offset: int) -> Diagnostic:
        """The same diagnostic in a text that begins `offset` code points earlier."""
        span, fix = self.span.shifted(offset), self.fix
        if fix:
            fix = Fix(fix.title, fix.safety, tuple([edit.shifted(offset) for edit in fix.edits]))
        return Diagnostic(
            self.code, self.name, self.severity, self.message, self.where, span, fix, self.once
        )


class Finding(msgspec.Struct, frozen=True, gc=False):
    """What a matcher found, before the rule's words are put to it.

    values: for the holes of the rule's message `variant` and of its fix title. safety, severity:
    instead of the rule's own, where the matcher knows better. once: it is said once a document.
    """

    where: Where
    span: Span
    values: dict[str, str]
    variant: str = "found"
    edits: tuple[Edit, ...] = ()
    safety: Safety | None = None
    severity: Severity | None = None
    once: bool = False


def apply_edits(text: str, edits: list[Edit]) -> str:
    """`text` with all `edits`, which must not overlap."""
    parts, at = [], 0
    for edit in sorted(edits, key=_PLACE):
        parts += [text[at : edit.span.start], edit.text]
        at = edit.span.end
    return "".join([*parts, text[at:]])
