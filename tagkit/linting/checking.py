"""Rules put to a prompt."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import PLACES, Diagnostic, Finding, Fix
from tagkit.linting.matchers import MATCHERS, OF_WHAT_IS_MISSING
from tagkit.linting.screening import Glance, Screen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Edit
    from tagkit.packs import Rule, Severity
    from tagkit.spans import Span


class Checker:
    """Rules put to prompts of one dialect, as one card knows their tags."""

    def __init__(self, rules: Sequence[Rule], knowledge: Knowledge, dialect: str) -> None:
        self.rules = tuple(rule for rule in rules if not _is_off(rule, knowledge))
        self._positive = Screen(self.rules, knowledge, "positive", dialect)
        self._negative = Screen(self.rules, knowledge, "negative", dialect)
        self._missing = sum(
            1 << index for index, rule in enumerate(self.rules) if rule.kind in OF_WHAT_IS_MISSING
        )
        self._chosen = lru_cache(maxsize=4096)(self._rules_of)

    def check(self, context: Context) -> tuple[Diagnostic, ...]:
        """Everything that the rules find, in the order of the text; spans count within each text.

        context: of this checker's card and dialect.
        """
        found = [each for rule in self._judging(context) for each in _diagnostics(context, rule)]
        found.sort(key=lambda each: (PLACES.index(each.where), each.span.start, each.code))
        return tuple(found)

    def glance(self, positive: str) -> Glance | None:
        """A glance at a positive prompt; None if it is more than plain tags."""
        return self._positive.glance(positive)

    def _judging(self, context: Context) -> Sequence[Rule]:
        if context.settings or context.unused:
            return self._looking(self.rules, context)
        mask = self._missing | self._positive.suspects(context.positive.text)
        if context.has_negative:
            mask |= self._negative.suspects(context.negative.text)
        return self._looking(self._chosen(mask), context)

    @staticmethod
    def _looking(rules: Sequence[Rule], context: Context) -> Sequence[Rule]:
        return [rule for rule in rules if not context.texts.isdisjoint(rule.looks_at)]

    def _rules_of(self, mask: int) -> tuple[Rule, ...]:
        return tuple(rule for index, rule in enumerate(self.rules) if mask >> index & 1)


def _is_off(rule: Rule, knowledge: Knowledge) -> bool:
    return rule.severity == "off" and rule.code not in knowledge.card.severities


def _diagnostics(context: Context, rule: Rule) -> Iterator[Diagnostic]:
    if rule.needs_card and not context.card.name:
        return
    if context.positive.dialect not in rule.dialects:
        return
    for finding in MATCHERS[rule.kind](context, rule):
        severity = _severity(context, rule, finding)
        if severity != "off" and finding.variant in rule.messages:
            message = rule.messages[finding.variant].format(**finding.values)
            fix = _fix(context, rule, finding)
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


def _fix(context: Context, rule: Rule, finding: Finding) -> Fix | None:
    if rule.fix is None or not finding.edits:
        return None
    if finding.where == "positive" and _touches(finding.edits, context.kept):
        return None
    title = rule.fix.title.format(**finding.values)
    return Fix(title, finding.safety or rule.fix.safety, finding.edits)


def _touches(edits: Sequence[Edit], kept: Sequence[Span]) -> bool:
    return any(edit.span.overlaps(span) for edit in edits for span in kept)
