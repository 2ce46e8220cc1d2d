"""Rules put to a prompt."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tagkit.linting.context import Context
from tagkit.linting.diagnostics import PLACES, Diagnostic, Finding, Fix, Where
from tagkit.linting.matchers import MATCHERS, OF_WHAT_IS_MISSING
from tagkit.linting.screening import Glance, Screen
from tagkit.prompt import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.diagnostics import Edit
    from tagkit.packs import Rule, Severity
    from tagkit.prompt import Prompt
    from tagkit.spans import Span

_POSITIVE = frozenset[Where]({"positive"})


class Checker:
    """Rules put to prompts of one dialect, as one card knows their tags.

    Those that are off, that do not speak of the dialect or need a card where there is none are left
    out. keep_tokens: first tags of a caption that stay as they are.
    """

    def __init__(
        self, rules: Sequence[Rule], knowledge: Knowledge, dialect: str, keep_tokens: int = 0
    ) -> None:
        self.rules = tuple(rule for rule in rules if _judges(rule, knowledge, dialect))
        self._knowledge = knowledge
        self._nothing = parse("", dialect)
        self._keep_tokens = keep_tokens
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
        return _found(self._judging(context), context)

    def glance(self, positive: str) -> Glance | None:
        """A glance at a positive prompt; None if it is more than plain tags."""
        return self._positive.glance(positive)

    def check_list(self, glance: Glance) -> tuple[Diagnostic, ...]:
        """The same as `check`, of the positive prompt alone that a glance was taken of."""
        if not glance.rules:
            return ()
        prompt = self._positive.prompt(glance)
        return _found(self._chosen(glance.rules), self.context(prompt, _POSITIVE))

    def context(self, positive: Prompt, texts: frozenset[Where]) -> Context:
        """A positive prompt with nothing beside it, to judge in these places."""
        return Context(
            positive, self._nothing, "", self._knowledge, False, self._keep_tokens, texts
        )

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


def _judges(rule: Rule, knowledge: Knowledge, dialect: str) -> bool:
    if rule.severity == "off" and rule.code not in knowledge.card.severities:
        return False
    return dialect in rule.dialects and not (rule.needs_card and not knowledge.card.name)


def _found(rules: Sequence[Rule], context: Context) -> tuple[Diagnostic, ...]:
    found = [each for rule in rules for each in _diagnostics(context, rule)]
    if len(found) > 1:
        found.sort(key=lambda each: (PLACES.index(each.where), each.span.start, each.code))
    return tuple(found)


def _diagnostics(context: Context, rule: Rule) -> Iterator[Diagnostic]:
    for finding in MATCHERS[rule.kind](context, rule):
        severity = _severity(context, rule, finding)
        if severity != "off" and finding.variant in rule.messages:
            message = rule.messages[finding.variant].format_map(finding.values)
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
    kept = context.kept if finding.where == "positive" else ()
    if kept and _touches(finding.edits, kept):
        return None
    title = rule.fix.title.format_map(finding.values)
    return Fix(title, finding.safety or rule.fix.safety, finding.edits)


def _touches(edits: Sequence[Edit], kept: Sequence[Span]) -> bool:
    return any(edit.span.overlaps(span) for edit in edits for span in kept)
