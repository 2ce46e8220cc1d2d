"""Rules put to a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import PLACES, Diagnostic, Finding, Fix
from tagkit.linting.matchers import MATCHERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.context import Context
    from tagkit.packs import Rule, Severity


def check(context: Context, rules: Sequence[Rule]) -> tuple[Diagnostic, ...]:
    """Everything that `rules` find, in the order of the text; spans count within each text."""
    judging = [rule for rule in rules if not context.texts.isdisjoint(rule.looks_at)]
    found = [each for rule in judging for each in _diagnostics(context, rule)]
    found.sort(key=lambda each: (PLACES.index(each.where), each.span.start, each.code))
    return tuple(found)


def _diagnostics(context: Context, rule: Rule) -> Iterator[Diagnostic]:
    if rule.needs_card and not context.card.name:
        return
    if context.positive.dialect not in rule.dialects:
        return
    for finding in MATCHERS[rule.kind](context, rule):
        severity = _severity(context, rule, finding)
        if severity != "off" and finding.variant in rule.messages:
            message = rule.messages[finding.variant].format(**finding.values)
            fix = _fix(rule, finding)
            once = finding.once or rule.once == "document"
            yield Diagnostic(
                rule.code, rule.name, severity, message, finding.where, finding.span, fix, once
            )


def _severity(context: Context, rule: Rule, finding: Finding) -> Severity:
    if finding.severity:
        return finding.severity
    if rule.code in context.card.severities and not rule.always:
        return context.card.severities[rule.code]
    return rule.severity


def _fix(rule: Rule, finding: Finding) -> Fix | None:
    if rule.fix is None or not finding.edits:
        return None
    title = rule.fix.title.format(**finding.values)
    return Fix(title, finding.safety or rule.fix.safety, finding.edits)
