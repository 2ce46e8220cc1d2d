"""A rule's words put to what its matcher finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Diagnostic, Finding, Fix
from tagkit.linting.matchers import MATCHERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Edit
    from tagkit.packs import Rule, Severity
    from tagkit.spans import Span


def diagnostics(context: Context, rule: Rule) -> Iterator[Diagnostic]:
    """What the rule says of a prompt; spans count within each text."""
    for finding in MATCHERS[rule.kind](context, rule):
        said = diagnostic(context, rule, finding)
        if said:
            yield said


def diagnostic(context: Context, rule: Rule, finding: Finding) -> Diagnostic | None:
    """What the rule says of a finding; None if it has no words for it."""
    severity = _severity(context, rule, finding)
    if severity == "off" or finding.variant not in rule.messages:
        return None
    message = rule.messages[finding.variant].format_map(finding.values)
    fix = _fix(context, rule, finding)
    once = finding.once or rule.once == "document"
    return Diagnostic(
        rule.code, rule.name, severity, message, finding.where, finding.span, fix, once
    )


def _severity(context: Context, rule: Rule, finding: Finding) -> Severity:
    if finding.severity:
        return finding.severity
    if rule.code in context.card.severities and not rule.always:
        return context.card.severities[rule.code]
    return rule.severity


def _fix(context: Context, rule: Rule, finding: Finding) -> Fix | None:
    if rule.fix is None or not finding.edits:
        return None
    kept = context.kept if finding.where == "positive" else ()
    if kept and _touches(finding.edits, kept):
        return None
    title = rule.fix.title.format_map(finding.values)
    return Fix(title, finding.safety or rule.fix.safety, finding.edits)


def _touches(edits: Sequence[Edit], kept: Sequence[Span]) -> bool:
    return any(edit.span.overlaps(span) for edit in edits for span in kept)
