"""Findings as workflow commands, which GitHub shows beside the lines of a pull request.

The form is that of GitHub's page "Workflow commands for GitHub Actions", the escapes are those of
`@actions/core`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.spans import LineMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tagkit.linting.batch import LintedDocument
    from tagkit.linting.diagnostics import Diagnostic

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
_IN_MESSAGES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTIES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def github(linted: Iterable[LintedDocument]) -> Iterator[str]:
    """One annotation for every finding."""
    for document in linted:
        line_map = LineMap(document.document.text)
        for each in document.diagnostics():
            yield _annotation(each, document.document.path, line_map)


def _annotation(each: Diagnostic, path: str, line_map: LineMap) -> str:
    start, end = line_map.position(each.span.start), line_map.position(each.span.end)
    properties: dict[str, object] = {"file": path, "line": start.line, "col": start.column}
    # GitHub takes an end column only together with a single line.
    properties |= {"endLine": end.line}
    if end.line == start.line and end.column > start.column:
        properties |= {"endColumn": end.column}
    properties |= {"title": f"{each.code} {each.name}"}
    said = each.message.translate(_IN_MESSAGES)
    return f"::{_COMMANDS[each.severity]} {_written(properties)}::{said}"


def _written(properties: Mapping[str, object]) -> str:
    pairs = ((key, str(value).translate(_IN_PROPERTIES)) for key, value in properties.items())
    return ",".join(f"{key}={value}" for key, value in pairs)
