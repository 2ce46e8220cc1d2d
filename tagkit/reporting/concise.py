"""Findings for people, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.reporting.full import headline, summary
from tagkit.spans import LineMap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.batch import LintedDocument


def concise(linted: Sequence[LintedDocument]) -> Iterator[str]:
    """`path:line:column: severity CODE message` for every finding, then one line that counts."""
    found = []
    for document in linted:
        line_map = LineMap(document.document.text)
        for each in document.diagnostics():
            found.append(each)
            yield headline(each, document.document.path, line_map.position(each.span.start))
    yield summary(found, sum(len(document.prompts) for document in linted))
