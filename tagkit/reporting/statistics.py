"""How often each rule found something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.batch import LintedDocument


class Tally(msgspec.Struct, frozen=True):
    """Findings of one rule; `fixable` counts those with a safe fix."""

    code: str
    name: str
    count: int
    fixable: int


def tallies(linted: Sequence[LintedDocument]) -> list[Tally]:
    """Most frequent first, then by code."""
    found: dict[str, Tally] = {}
    for document in linted:
        for each in document.diagnostics():
            old = found.get(each.code, Tally(each.code, each.name, 0, 0))
            safe = each.fix is not None and each.fix.safety == "safe"
            found[each.code] = Tally(each.code, each.name, old.count + 1, old.fixable + safe)
    return sorted(found.values(), key=lambda tally: (-tally.count, tally.code))


def statistics(linted: Sequence[LintedDocument]) -> Iterator[str]:
    """A line a rule: count, code, name, and how many a safe fix would cure."""
    rows = tallies(linted)
    width = max((len(str(row.count)) for row in rows), default=0)
    for row in rows:
        fixable = f" [*] {row.fixable} fixable" if row.fixable else ""
        yield f"{row.count:>{width}} {row.code} {row.name}{fixable}"
