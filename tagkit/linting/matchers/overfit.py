"""Tags that the checkpoint draws unasked, missing from the negative prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Finding
from tagkit.linting.editing import appended
from tagkit.linting.patterns import name_test
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.cards import Overfit
    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.packs import Rule

OVERFIT = "overfit"


def missing_overfit(context: Context, rule: Rule) -> Iterator[Finding]:
    """The card's overfit entries that neither prompt speaks of; the fix appends all of them.

    A positive tag in any alternative that fits `unless` asks for the trait, a negative tag that
    fits `pattern` has it already.
    """
    missing = [each for each in context.card.prompt.overfit if _is_missing(each, context)]
    if missing:
        injected = [each.inject for each in missing]
        quoted = ", ".join(f"`{each}`" for each in injected)
        end = len(context.negative.text.rstrip())
        yield Finding(
            "negative",
            Span(0, end),
            {"tags": quoted, "first": injected[0], "model": context.card.title},
            edits=(appended(context.negative, injected),),
            severity=None if context.has_negative else "info",
            once=not context.has_negative,
        )


def asked_for(name: str, _: Rule, knowledge: Knowledge) -> frozenset[str]:
    """The overfit entries whose trait a positive tag asks for."""
    overfit = knowledge.card.prompt.overfit
    return frozenset(each.unless for each in overfit if name_test(each.unless)(name))


def _is_missing(entry: Overfit, context: Context) -> bool:
    wanted, present = name_test(entry.unless), name_test(entry.pattern)
    return not any(wanted(tag.name) for tag in context.positive.tags) and not any(
        present(tag.name) for tag in context.negative.tags
    )
