"""Findings for people, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.reporting.counts import Counts
from tagkit.reporting.full import headline
from tagkit.spans import LineMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tagkit.linting.batch import LintedDocument


def concise(linted: Iterable[LintedDocument]) -> Iterator[str]:
    """`path:line:column: severity CODE message` for every finding, then one line that counts."""
    counted = Counts()
    for document in linted:
        line_map = LineMap(document.document.text)
        for each in document.diagnostics():
            yield headline(each, document.document.path, line_map.position(each.span.start))
        counted.add(document)
    yield from counted.summary()
