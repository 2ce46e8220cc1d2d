"""What comes of documents that are checked in bulk, ready to be printed.

A part is a document, a piece of a large one, or several of which nothing is said once a document.
"""

from __future__ import annotations

from functools import reduce
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from tagkit.errors import UserError
from tagkit.linting.batch import LintedPrompt
from tagkit.linting.linter import unused_suppressions
from tagkit.reporting.as_json import SEPARATOR, DocumentEncoder, Start, Summary, summary_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tagkit.commands.judging import LinterFor
    from tagkit.documents import Document, Record
    from tagkit.linting.diagnostics import Diagnostic
    from tagkit.linting.linter import Report


class Once(msgspec.Struct, frozen=True):
    """A finding that is said once a document: its place among the part's runs, what it adds."""

    index: int
    code: str
    counted: Summary


class Part(msgspec.Struct, frozen=True):
    """What came of one or more documents, the last of which is at `path`, or of a piece of one.

    prompts: their items. diagnostics: items in runs; one that is said once a document is a run.
    refused: a rule that nothing switches off found something. error: instead of everything else.
    """

    path: str
    model: str = ""
    prompts: bytes = b""
    diagnostics: tuple[bytes, ...] = ()
    once: tuple[Once, ...] = ()
    summary: Summary = Summary()
    refused: bool = False
    error: UserError | None = None


def part_of(
    document: Document, start: Start, linter_for: LinterFor, always: frozenset[str]
) -> Part:
    """Checks a document, or a piece of one that begins at `start`.

    always: the codes of rules that nothing switches off.
    """
    encoder = DocumentEncoder(document, start)
    findings = _Findings(encoder)
    prompts: list[bytes] = []
    others: list[tuple[Record, Report]] = []
    first = ""
    for record in document.records:
        model, source, linter = linter_for(record)
        first = first or model
        brief = linter.brief(record, findings.said)
        if brief:
            prompts.append(encoder.brief(record, model, brief))
            if brief.found:
                findings.add(brief.found, record.positive_span.start)
            if brief.absent:
                findings.add(brief.absent)
            continue
        report = linter.lint_whole(record)
        others.append((record, report))
        prompts.append(encoder.linted(LintedPrompt(record, model, source, report), report.fixed))
        findings.add(report.diagnostics)
    unused = unused_suppressions(others)
    if unused:
        findings.add(linter.comments(unused))
    return Part(
        document.path,
        first,
        SEPARATOR.join(prompts),
        findings.runs(),
        tuple(findings.once),
        summary_of(findings.found, len(prompts)),
        any(each.code in always for each in findings.found),
    )


class _Findings:
    """The findings of a document, each that is to be said once only the first time."""

    def __init__(self, encoder: DocumentEncoder) -> None:
        self._encoder = encoder
        self._runs: list[list[bytes]] = [[]]
        self.found: list[Diagnostic] = []
        self.once: list[Once] = []
        self.said: set[str] = set()

    def add(self, found: Iterable[Diagnostic], offset: int = 0) -> None:
        """More of them, in a text that begins at `offset` of the document."""
        for each in found:
            if not each.once:
                self._runs[-1].append(self._encoder.diagnostic(each, offset))
            elif each.code in self.said:
                continue
            else:
                self._say_once(each, offset)
            self.found.append(each)

    def runs(self) -> tuple[bytes, ...]:
        """Their items; what is said once stands alone in its run."""
        return tuple(SEPARATOR.join(run) for run in self._runs if run)

    def _say_once(self, each: Diagnostic, offset: int) -> None:
        self._runs = [*filter(None, self._runs), [self._encoder.diagnostic(each, offset)], []]
        self.once.append(Once(len(self._runs) - 2, each.code, summary_of([each], 0)))
        self.said.add(each.code)


def joined(parts: Iterable[Part]) -> Iterator[Part]:
    """The same with as few parts as will do, since each of them costs the one that prints."""
    for stands_alone, run in groupby(parts, key=lambda part: bool(part.error or part.once)):
        found = list(run)
        yield from found if stands_alone else [_in_one(found)]


def _in_one(parts: Sequence[Part]) -> Part:
    return Part(
        parts[-1].path,
        parts[0].model,
        SEPARATOR.join([part.prompts for part in parts]),
        tuple([found for part in parts for found in part.diagnostics]),
        summary=reduce(Summary.plus, [part.summary for part in parts]),
        refused=any(part.refused for part in parts),
    )
