"""How often each rule found something, and which tags the captions hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.reporting.captions import Census, census_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tagkit.linting.batch import LintedDocument


class Tally(msgspec.Struct, frozen=True):
    """Findings of one rule; `fixable` counts those with a safe fix."""

    code: str
    name: str
    count: int
    fixable: int


class Tallies:
    """Counts documents as they go by, so that none of them must be kept."""

    def __init__(self) -> None:
        self._found: dict[str, Tally] = {}
        self.census = Census()

    def add(self, document: LintedDocument) -> None:
        """Counts what was found in one more document; the tags, too, if it holds captions."""
        for each in document.diagnostics():
            old = self._found.get(each.code, Tally(each.code, each.name, 0, 0))
            safe = each.fix is not None and each.fix.safety == "safe"
            self._found[each.code] = Tally(each.code, each.name, old.count + 1, old.fixable + safe)
        if document.document.captions:
            self.census.add(document.document)

    def rules(self) -> list[Tally]:
        """Most frequent first, then by code."""
        return sorted(self._found.values(), key=lambda tally: (-tally.count, tally.code))


def statistics(linted: Iterable[LintedDocument]) -> Iterator[str]:
    """A line a rule: count, code, name, and how many a safe fix would cure; then the captions."""
    tallies = Tallies()
    for document in linted:
        tallies.add(document)
    rows = tallies.rules()
    width = max((len(str(row.count)) for row in rows), default=0)
    for row in rows:
        fixable = f" [*] {row.fixable} fixable" if row.fixable else ""
        yield f"{row.count:>{width}} {row.code} {row.name}{fixable}"
    if captions := tallies.census.result():
        yield from ("", *census_lines(captions))
