"""Many prompts at once: checked on all cores, reported as JSON while they go by.

What is printed is what the ordinary way prints. Memory does not grow with the number of prompts:
files go by in groups, large ones in pieces, and the findings wait for their turn on disk.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING

import msgspec

from tagkit.commands.inputs import expanded
from tagkit.commands.judging import Judge, Options, suffixes_of
from tagkit.commands.parts import Part, joined, part_of
from tagkit.commands.processes import core_count, in_order
from tagkit.commands.shared import EXIT_DONE, EXIT_FAILED, EXIT_FOUND, report
from tagkit.documents import Piece, parse_document, pieces, read_piece
from tagkit.errors import UserError
from tagkit.packs import shipped_rules
from tagkit.reporting.as_json import (
    AT_THE_TOP,
    MIDDLE,
    SEPARATOR,
    Start,
    Summary,
    closing,
    opening,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO


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
    parts = in_order(partial(_worker, options, arguments), _tasks(arguments, options), core_count())
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

    def take(self, part: Part) -> None:
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

    def _unsaid(self, part: Part) -> list[bytes]:
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


def _worker(options: Options, arguments: Sequence[str]) -> Callable[[_Task], list[Part]]:
    """What does the work in a process of its own."""
    judge = Judge(options, arguments)
    always = frozenset(rule.code for rule in shipped_rules() if rule.always)

    def parts(task: _Task) -> list[Part]:
        found = (_part(argument, task.piece, judge, always) for argument in task.arguments)
        return list(joined(found))

    return parts


def _part(argument: str, piece: Piece | None, judge: Judge, always: frozenset[str]) -> Part:
    try:
        if piece is None:
            document = judge.document(argument)
            return part_of(document, AT_THE_TOP, judge.linter_for(document), always)
        path = Path(argument)
        text = read_piece(path, piece)
        captions = judge.holds_captions(path)
        read = parse_document(text, str(path), judge.options.split, captions=captions)
        document = judge.as_used(read)
        start = Start(piece.lines, piece.offset)
        return part_of(document, start, judge.linter_for(document), always)
    except UserError as error:
        return Part(argument, error=error)
    except (OSError, UnicodeDecodeError) as error:
        changed = UserError(f"`{argument}` has changed while it was read", str(error), "try again")
        return Part(argument, error=changed)
