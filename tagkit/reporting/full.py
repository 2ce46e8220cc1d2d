"""Findings with the line they stand on, for people."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from tagkit.reporting.counts import MARKS, Counts
from tagkit.spans import LINE_END, LineMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tagkit.linting.batch import LintedDocument
    from tagkit.linting.diagnostics import Diagnostic, Fix
    from tagkit.spans import Position

_WIDEST = 100


def full(linted: Iterable[LintedDocument]) -> Iterator[str]:
    """Every finding in a window of its source line, then one line that counts them."""
    counted = Counts()
    for document in linted:
        text, path = document.document.text, document.document.path
        line_map = LineMap(text)
        for each in document.diagnostics():
            yield "\n".join(_shown(each, text, path, line_map))
            yield ""
        counted.add(document)
    yield from counted.summary()


def headline(each: Diagnostic, path: str, at: Position) -> str:
    """What was found and where, in one line."""
    mark = MARKS[each.fix.safety] if each.fix else ""
    return f"{path}:{at.line}:{at.column}: {each.severity} {each.code} {mark}{each.message}"


def _shown(each: Diagnostic, text: str, path: str, line_map: LineMap) -> Iterator[str]:
    at = line_map.position(each.span.start)
    yield headline(each, path, at)
    start = at.offset - at.column + 1
    end_of_line = LINE_END.search(text, start)
    end = end_of_line.start() if end_of_line else len(text)
    before, line, marked = _window(
        text[start:end], at.offset - start, min(each.span.end, end) - start
    )
    margin = " " * len(str(at.line))
    yield f"{margin} |"
    yield f"{at.line} | {line}"
    yield f"{margin} | {' ' * _width(before)}{'^' * max(1, _width(marked))}"
    if each.fix:
        yield f"{margin} = fix: {_fix_title(each.fix)}"


def _window(line: str, start: int, end: int) -> tuple[str, str, str]:
    """What stands before the finding, the line cut to a window around it, and the finding."""
    first = 0 if len(line) <= _WIDEST else max(0, start - _WIDEST // 3)
    last = first + _WIDEST
    left = "…" if first else ""
    right = "…" if last < len(line) else ""
    before, marked = left + line[first:start], line[start : min(end, last)]
    return before, left + line[first:last].replace("\t", " ") + right, marked


def _width(text: str) -> int:
    """Columns of a terminal: wide characters take two, combining ones none."""
    return sum(_columns(each) for each in text)


def _columns(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _fix_title(fix: Fix) -> str:
    return fix.title + (" (unsafe)" if fix.safety == "unsafe" else "")
