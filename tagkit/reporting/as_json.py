"""Findings for programs: the JSON of `tagkit lint`."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from tagkit.clip import count_tokens
from tagkit.reporting.fitting import fitting_fields
from tagkit.reporting.statistics import tallies
from tagkit.spans import LineMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.linting.batch import LintedDocument, LintedPrompt
    from tagkit.linting.diagnostics import Diagnostic
    from tagkit.linting.fitting import Fitting
    from tagkit.linting.linter import Texts

VERSION = 1


def as_json(
    linted: Sequence[LintedDocument],
    model: str,
    safely_fixed: Sequence[Sequence[Texts]],
    fittings: Sequence[Sequence[Fitting]] = (),
    *,
    statistics: bool = False,
) -> str:
    """The findings as one JSON document.

    safely_fixed: what safe fixes alone give, per prompt. fittings: the same for what was
    dropped to make prompts fit, nothing unless that was asked for. statistics: whether the
    findings are counted by rule too.
    """
    prompts, diagnostics = [], []
    for document, fixes in zip(linted, safely_fixed, strict=True):
        path, line_map = document.document.path, LineMap(document.document.text)
        for prompt, texts in zip(document.prompts, fixes, strict=True):
            prompts.append(_prompt(prompt, texts, path))
        diagnostics += [_diagnostic(each, path, line_map) for each in document.diagnostics()]
    for fields, fitting in zip(prompts, chain(*fittings), strict=False):
        fields["fit"] = fitting_fields(fitting)
    value = {
        "version": VERSION,
        "model": model,
        "prompts": prompts,
        "diagnostics": diagnostics,
        "summary": _summary(diagnostics, len(prompts)),
    }
    if statistics:
        value["statistics"] = tallies(linted)
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _prompt(prompt: LintedPrompt, fixed: Texts, path: str) -> dict[str, Any]:
    record = prompt.record
    return {
        "path": path,
        "line": record.line,
        "model": prompt.model,
        "positive": _counted(record.positive, negative=False),
        "negative": None if record.negative is None else _counted(record.negative, negative=True),
        "fixed": {"positive": fixed.positive, "negative": fixed.negative},
    }


def _counted(text: str, *, negative: bool) -> dict[str, Any]:
    count = count_tokens(text, negative=negative)
    return {"text": text, "tokens": count.real, "limit": count.limit, "chunks": count.chunks}


def _diagnostic(each: Diagnostic, path: str, line_map: LineMap) -> dict[str, Any]:
    fix = each.fix and {
        "title": each.fix.title,
        "safety": each.fix.safety,
        "edits": [
            {"start": edit.span.start, "end": edit.span.end, "text": edit.text}
            for edit in each.fix.edits
        ],
    }
    return {
        "code": each.code,
        "name": each.name,
        "severity": each.severity,
        "message": each.message,
        "path": path,
        "in": None if each.where == "comment" else each.where,
        "start": line_map.position(each.span.start),
        "end": line_map.position(each.span.end),
        "fix": fix,
        "url": f"docs/rules/{each.name}.md",
    }


def _summary(diagnostics: list[dict[str, Any]], prompts: int) -> dict[str, int]:
    def count(severity: str) -> int:
        return sum(each["severity"] == severity for each in diagnostics)

    fixable = sum(bool(each["fix"]) and each["fix"]["safety"] == "safe" for each in diagnostics)
    return {
        "prompts": prompts,
        "errors": count("error"),
        "warnings": count("warning"),
        "infos": count("info"),
        "fixable": fixable,
    }
