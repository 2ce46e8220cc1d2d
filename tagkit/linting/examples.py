"""The examples of a rule, tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.cards import image_card
from tagkit.errors import UserError
from tagkit.linting.linter import Linter, Report, record_of
from tagkit.packs import Pass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.packs import Example, Rule, Written


def wrong_examples(written: Written) -> Iterator[UserError]:
    """What the rule's examples say and the rule does not do, each with its place."""
    for number, example in enumerate(written.rule.examples):
        for problem in _problems(written.rule, example):
            yield UserError(f"{written.rule.code}: {problem}", written.place("examples", number))
    for number, each in enumerate(written.rule.passes):
        passed = each if isinstance(each, Pass) else Pass(each)
        found = _lint(written.rule, passed.text, passed.negative, passed.model).diagnostics
        if found:
            what = f"{written.rule.code}: `{passed.text}` does not pass: {found[0].message}"
            yield UserError(what, written.place("passes", number))


def _problems(rule: Rule, example: Example) -> Iterator[str]:
    report = _lint(rule, example.flagged, example.negative, example.model)
    if not report.diagnostics:
        yield f"nothing is found in `{example.flagged}`"
        return
    for wanted, fixed in (
        (example.fixed, report.fixed.positive),
        (example.fixed_negative, report.fixed.negative),
        (example.fixed_settings, report.fixed.settings),
    ):
        if wanted is not None and wanted != fixed:
            yield f"`{example.flagged}` becomes `{fixed}`, not `{wanted}`"


def _lint(rule: Rule, text: str, negative: str | None, model: str) -> Report:
    linter = Linter(image_card(model), [rule], rule.dialects[0], ("safe", "unsafe"))
    return linter.lint(record_of(text, negative))
