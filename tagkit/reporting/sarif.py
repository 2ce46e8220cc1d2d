"""Findings as SARIF 2.1.0, the OASIS format that code hosts and editors import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from tagkit._version import __version__
from tagkit.spans import LineMap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.batch import LintedDocument
    from tagkit.linting.diagnostics import Diagnostic, Edit
    from tagkit.packs import Rule

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
VERSION = "2.1.0"
_LEVELS = {"error": "error", "warning": "warning", "info": "note", "off": "none"}


def sarif(linted: Sequence[LintedDocument], rules: Sequence[Rule]) -> str:
    """One run with all findings; `rules` are all that may have found something."""
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    driver = {
        "name": "tagkit",
        "version": __version__,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [each for document in linted for each in _results(document, numbers)],
    }
    value = {"$schema": SCHEMA, "version": VERSION, "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why.strip()},
        "help": {"text": rule.why.strip(), "markdown": rule.why.strip()},
        "defaultConfiguration": {
            "enabled": rule.severity != "off",
            "level": _LEVELS[rule.severity],
        },
    }


def _results(document: LintedDocument, numbers: dict[str, int]) -> Iterator[dict[str, Any]]:
    line_map = LineMap(document.document.text)
    artifact = {"uri": _uri(document.document.path)}
    for each in document.diagnostics():
        result: dict[str, Any] = {
            "ruleId": each.code,
            "ruleIndex": numbers[each.code],
            "level": _LEVELS[each.severity],
            "message": {"text": each.message},
            "locations": [
                {"physicalLocation": {"artifactLocation": artifact, "region": _at(each, line_map)}}
            ],
        }
        if each.fix:
            change = {
                "artifactLocation": artifact,
                "replacements": [_replacement(edit) for edit in each.fix.edits],
            }
            title = {"text": f"{each.fix.title} ({each.fix.safety})"}
            result["fixes"] = [{"description": title, "artifactChanges": [change]}]
        yield result


def _at(each: Diagnostic, line_map: LineMap) -> dict[str, int]:
    start, end = line_map.position(each.span.start), line_map.position(each.span.end)
    return {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    }


def _replacement(edit: Edit) -> dict[str, Any]:
    length = edit.span.end - edit.span.start
    return {
        "deletedRegion": {"charOffset": edit.span.start, "charLength": length},
        "insertedContent": {"text": edit.text},
    }


def _uri(path: str) -> str:
    """A relative reference stays one, so that the report fits any checkout."""
    place = Path(path)
    return place.as_uri() if place.is_absolute() else quote(place.as_posix())
