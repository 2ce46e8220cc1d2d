"""Subjects that the checkpoint was not made for."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Finding
from tagkit.linting.editing import distinct
from tagkit.linting.matchers.meeting import Meeting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.cards import Unsupported
    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Tag


def unsupported_subjects(context: Context, rule: Rule) -> Iterator[Finding]:
    """The card's unsupported subjects that a prompt asks for, all in one finding."""
    named = context.knowledge.prepared(rule, _named)
    for where, prompt in context.prompts(rule):
        tags = [tag for tag in prompt.tags if tag.name in named and tag.is_asked_for]
        asking = {
            each.subject: tag
            for each in context.card.prompt.unsupported
            if (tag := _asking(each, tags))
        }
        if asking:
            first = min(asking.values(), key=lambda tag: tag.span.start)
            values = {"subjects": " and ".join(asking), "model": context.card.title}
            yield Finding(where, first.span, values)


def unsupported_meeting(name: str, rule: Rule, knowledge: Knowledge) -> Meeting:
    """A tag that asks for a subject by itself meets itself; of others two must come together."""
    unsupported = knowledge.card.prompt.unsupported
    if name not in knowledge.prepared(rule, _named):
        return Meeting(frozenset(), frozenset())
    alone = {name} if any(name in each.tags for each in unsupported) else set[str]()
    beside = {other for each in unsupported if name in each.together for other in each.together}
    return Meeting(frozenset({name}), frozenset(alone | (beside - {name})))


def _named(_: Rule, knowledge: Knowledge) -> frozenset[str]:
    unsupported = knowledge.card.prompt.unsupported
    return frozenset(name for each in unsupported for name in (*each.tags, *each.together))


def _asking(unsupported: Unsupported, tags: Sequence[Tag]) -> Tag | None:
    """The tag that asks for the subject, the second one of two that do so together."""
    first = next((tag for tag in tags if tag.name in unsupported.tags), None)
    if first or not unsupported.together:
        return first
    alone = distinct(tag for tag in tags if tag.name in unsupported.together)
    pairs = combinations(alone, 2)
    return next((b for a, b in pairs if a.name != b.name and a.meets(b)), None)
