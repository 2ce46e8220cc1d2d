"""Many prompts at once: checked on all cores, reported as JSON while they go by.

What is printed is what the ordinary way prints. Memory does not grow with the number of prompts:
files go by in groups, large ones in pieces, and the findings wait for their turn on disk.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import partial, reduce
from itertools import groupby
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

import msgspec

from tagkit.commands.inputs import expanded
from tagkit.commands.judging import Judge, Options, suffixes_of
from tagkit.commands.processes import core_count, in_order
from tagkit.commands.shared import EXIT_DONE, EXIT_FAILED, EXIT_FOUND, report
from tagkit.documents import Piece, parse_document, pieces, read_piece
from tagkit.errors import UserError
from tagkit.linting.batch import LintedPrompt
from tagkit.linting.linter import unused_suppressions
from tagkit.packs import shipped_rules
from tagkit.reporting.as_json import (
    AT_THE_TOP,
    MIDDLE,
    SEPARATOR,
    DocumentEncoder,
    Start,
    Summary,
    closing,
    opening,
    summary_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO

    from tagkit.commands.judging import LinterFor
    from tagkit.documents import Document, Record
    from tagkit.linting.diagnostics import Diagnostic
    from tagkit.linting.linter import Report

# Below this, starting processes costs more than they save.
_WORTH_BYTES = 1 << 20
_A_FILE_BYTES = 1 << 9  # what can be checked in the time that it takes to open a file
_LARGE_BYTES = 1 << 18
_PIECE_BYTES = 400_000
_GROUP = 200
_TEXT_SUFFIXES = (".txt", ".text", ".prompt")


class _Task(msgspec.Struct, frozen=True):
    """Files to check, or one piece of a large one."""

    arguments: tuple[str, ...]
    piece: Piece | None = None


class _Once(msgspec.Struct, frozen=True):
    """A finding that is said once a document: its place among the part's runs, what it adds."""

    index: int
    code: str
    counted: Summary


class _Part(msgspec.Struct, frozen=True):
    """What came of one document or piece.

    prompts: their items. diagnostics: items in runs; one that is said once a document is a run.
    refused: a rule that nothing switches off found something. error: instead of everything else.
    """

    path: str
    model: str = ""
    prompts: bytes = b""
    diagnostics: tuple[bytes, ...] = ()
    once: tuple[_Once, ...] = ()
    summary: Summary = Summary()
    refused: bool = False
    error: UserError | None = None


def is_worth_it(arguments: Sequence[str], options: Options) -> bool:
    """Whether there is much to check, and nothing is asked for but the findings as JSON."""
    if options.form != "json" or options.fix or options.diff or options.statistics:
        return False
    if options.fit is not None or options.unsafe_fixes:
        return False
    size = 0
    for argument in expanded(arguments, suffixes_of(options)):
        size += _A_FILE_BYTES + _size(argument)
        if size >= _WORTH_BYTES:
            return True
    return False


def lint_many(arguments: Sequence[str], options: Options, *, exit_zero: bool) -> int:
    """Checks everything and prints the JSON document; the exit status."""
    parts = in_order(partial(_worker, options), _tasks(arguments, options), core_count())
    with tempfile.TemporaryFile() as spool:
        printer = _Printer(sys.stdout.buffer, spool)
        for group in parts:
            for part in group:
                printer.take(part)
        printer.finish()
    if printer.failed:
        return EXIT_FAILED
    found = printer.summary.errors or printer.summary.warnings
    return EXIT_FOUND if printer.refused or (found and not exit_zero) else EXIT_DONE


class _Printer:
    """Writes the document: prompts as they come, findings through `spool` behind them."""

    def __init__(self, output: BinaryIO, spool: BinaryIO) -> None:
        self._output = output
        self._spool = spool
        self._path = ""
        self._said: set[str] = set()
        self.summary = Summary()
        self.refused = self.failed = self._has_findings = False

    def take(self, part: _Part) -> None:
        """The next part; those of one document come one after the other."""
        if part.error:
            report(part.error)
            self.failed = True
            return
        self._output.write(SEPARATOR if self.summary.prompts else opening(part.model))
        self._output.write(part.prompts)
        self.summary = self.summary.plus(part.summary)
        self.refused |= part.refused
        findings = self._unsaid(part)
        if findings:
            self._spool.write(SEPARATOR if self._has_findings else b"")
            self._spool.write(SEPARATOR.join(findings))
            self._has_findings = True

    def finish(self) -> None:
        """What comes behind the last prompt."""
        if not self.summary.prompts:
            return
        self._output.write(MIDDLE)
        self._spool.seek(0)
        shutil.copyfileobj(self._spool, self._output)
        self._output.write(closing(self.summary, {}))
        self._output.flush()

    def _unsaid(self, part: _Part) -> list[bytes]:
        """The part's findings without those that its document has had already."""
        if part.path != self._path:
            self._path, self._said = part.path, set()
        findings = list(part.diagnostics)
        for each in reversed(part.once):
            if each.code in self._said:
                del findings[each.index]
                self.summary = self.summary.less(each.counted)
        self._said |= {each.code for each in part.once}
        return findings


def _tasks(arguments: Sequence[str], options: Options) -> Iterator[_Task]:
    group: list[str] = []
    for argument in expanded(arguments, suffixes_of(options)):
        cut = _pieces(argument, options)
        if cut is None:
            group.append(argument)
        if group and (cut or len(group) == _GROUP):
            yield _Task(tuple(group))
            group = []
        for piece in cut or ():
            yield _Task((argument,), piece)
    if group:
        yield _Task(tuple(group))


def _pieces(argument: str, options: Options) -> list[Piece] | None:
    """Pieces of a large file of prompts or captions; None for anything else."""
    if options.split != "lines" or not argument.lower().endswith(_TEXT_SUFFIXES):
        return None
    return pieces(Path(argument), _PIECE_BYTES) if _size(argument) >= _LARGE_BYTES else None


def _size(argument: str) -> int:
    """The size of a file in bytes, 0 for what is none."""
    try:
        found = Path(argument).stat()
    except (OSError, ValueError):  # a long prompt is no file name
        return 0
    return found.st_size if S_ISREG(found.st_mode) else 0


def _worker(options: Options) -> Callable[[_Task], list[_Part]]:
    """What does the work in a process of its own."""
    judge = Judge(options)
    always = frozenset(rule.code for rule in shipped_rules() if rule.always)

    def parts(task: _Task) -> list[_Part]:
        found = (_part(argument, task.piece, judge, always) for argument in task.arguments)
        return list(_joined(found))

    return parts


def _joined(parts: Iterable[_Part]) -> Iterator[_Part]:
    """The same with as few parts as will do, since each of them costs the one that prints."""
    for bears, run in groupby(parts, key=lambda part: bool(part.error or part.once)):
        if bears:
            yield from run
            continue
        joined = list(run)
        yield _Part(
            joined[-1].path,
            joined[0].model,
            SEPARATOR.join([each.prompts for each in joined]),
            tuple([found for each in joined for found in each.diagnostics]),
            summary=reduce(Summary.plus, [each.summary for each in joined]),
            refused=any(each.refused for each in joined),
        )


def _part(argument: str, piece: Piece | None, judge: Judge, always: frozenset[str]) -> _Part:
    try:
        if piece is None:
            document = judge.document(argument)
            return _encoded(document, AT_THE_TOP, judge.linter_for(document), always)
        path = Path(argument)
        text = read_piece(path, piece)
        captions = judge.holds_captions(path)
        document = parse_document(text, str(path), judge.options.split, captions=captions)
        start = Start(piece.lines, piece.offset)
        return _encoded(document, start, judge.linter_for(document), always)
    except UserError as error:
        return _Part(argument, error=error)
    except (OSError, UnicodeDecodeError) as error:
        changed = UserError(f"`{argument}` has changed while it was read", str(error), "try again")
        return _Part(argument, error=changed)


def _encoded(
    document: Document, start: Start, linter_for: LinterFor, always: frozenset[str]
) -> _Part:
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
    return _Part(
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
        self.once: list[_Once] = []
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
        self.once.append(_Once(len(self._runs) - 2, each.code, summary_of([each], 0)))
        self.said.add(each.code)
