"""Rules put to a prompt."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from tagkit.linting.context import Context
from tagkit.linting.diagnosing import diagnostics
from tagkit.linting.diagnostics import PLACES, Diagnostic, Where, apply_edits
from tagkit.linting.matchers import OF_WHAT_IS_MISSING
from tagkit.linting.matchers.order import ORDER
from tagkit.linting.recollection import Recollection
from tagkit.linting.screening import Glance, Screen, tags_of
from tagkit.prompt import CAPTIONS, parse
from tagkit.prompt.plain import list_prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.diagnostics import Edit
    from tagkit.packs import Rule, Safety
    from tagkit.prompt import Prompt

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
        self._dialect = dialect
        self._keep_tokens = keep_tokens
        keep = keep_tokens if dialect == CAPTIONS else 0
        self._positive = Screen(self.rules, knowledge, "positive", dialect, keep)
        self._recollection = Recollection(
            self._positive,
            dialect,
            lambda prompt: self._alone(prompt, _POSITIVE, keep_tokens=0),
        )
        self._negative = Screen(self.rules, knowledge, "negative", dialect)
        self._missing = sum(
            1 << index for index, rule in enumerate(self.rules) if rule.kind in OF_WHAT_IS_MISSING
        )
        self._order = self._positive.mask(lambda rule: rule.kind == ORDER)
        self._chosen = lru_cache(maxsize=4096)(self._rules_of)
        self.curable = cache(self._curable)

    def check(self, context: Context) -> tuple[Diagnostic, ...]:
        """Everything that the rules find, in the order of the text; spans count within each text.

        context: of this checker's card and dialect.
        """
        return _found(self._judging(context), context)

    def glance(self, positive: str) -> Glance | None:
        """A glance at a positive prompt; None if it is more than plain tags."""
        return self._positive.glance(positive)

    def glance_again(self, glance: Glance, edits: list[Edit], fixes: int) -> Glance | None:
        """A glance at the text with these edits, fixes of the rules `fixes`, a bit each."""
        if glance.sorting and glance.rules & fixes == self._order & ~glance.signs:
            return self._positive.rearranged(glance, glance.sorting)
        return self._positive.glance(apply_edits(glance.text, edits))

    def check_list(self, glance: Glance, among: int = -1) -> tuple[Diagnostic, ...]:
        """The same as `check`, of the positive prompt alone that a glance was taken of.

        among: the rules to put to it, a bit each.
        """
        rules = glance.rules & among
        if not rules:
            return ()
        known = rules & self._recollection.known(glance)
        found = list(self._recollection.diagnostics(glance, known)) if known else []
        if rules & ~known:
            prompt = list_prompt(glance.text, self._dialect, tags_of(glance))
            context = self.context(prompt, _POSITIVE)
            found += _said(self._chosen(rules & ~known), context)
        return _in_order(found)

    def context(self, positive: Prompt, texts: frozenset[Where]) -> Context:
        """A positive prompt with nothing beside it, to judge in these places."""
        return self._alone(positive, texts, self._keep_tokens)

    def _alone(self, positive: Prompt, texts: frozenset[Where], keep_tokens: int) -> Context:
        return Context(positive, self._nothing, "", self._knowledge, False, keep_tokens, texts)

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

    def _curable(self, safeties: tuple[Safety, ...]) -> int:
        """The rules, a bit each, whose fixes may be of one of these safeties."""
        return self._positive.mask(lambda rule: bool(rule.fix and rule.fix.safety in safeties))

    def _rules_of(self, mask: int) -> tuple[Rule, ...]:
        return tuple(rule for index, rule in enumerate(self.rules) if mask >> index & 1)


def _judges(rule: Rule, knowledge: Knowledge, dialect: str) -> bool:
    if rule.severity == "off" and rule.code not in knowledge.card.severities:
        return False
    return dialect in rule.dialects and not (rule.needs_card and not knowledge.card.name)


def _found(rules: Sequence[Rule], context: Context) -> tuple[Diagnostic, ...]:
    return _in_order(_said(rules, context))


def _said(rules: Sequence[Rule], context: Context) -> list[Diagnostic]:
    return [each for rule in rules for each in diagnostics(context, rule)]


def _in_order(found: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    if len(found) > 1:
        found.sort(key=lambda each: (PLACES.index(each.where), each.span.start, each.code))
    return tuple(found)
