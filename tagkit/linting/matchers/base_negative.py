"""The negative prompt that the checkpoint's card recommends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Edit, Finding
from tagkit.linting.editing import appended
from tagkit.prompt import parse
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.packs import Rule


def heeded_by_none(_name: str, _rule: Rule, _knowledge: Knowledge) -> frozenset[str]:
    """The base negative is the same whatever the positive prompt says."""
    return frozenset()


def missing_base_negative(context: Context, rule: Rule) -> Iterator[Finding]:
    """Tags of the card's base negative that the negative prompt lacks.

    Without a negative prompt all of it goes in front, safely; an own choice of words is the
    user's, so adding to it is unsafe.
    """
    base = context.card.prompt.negative
    present = {tag.name for tag in context.negative.tags}
    wanted = [tag.name for tag in parse(base).tags if tag.name not in present]
    if not wanted:
        return
    if context.has_negative:
        variant, edit = "incomplete", appended(context.negative, wanted)
    else:
        joint = ", " if context.negative.text else ""
        variant, edit = "absent", Edit(Span(0, 0), ", ".join(wanted) + joint)
    yield Finding(
        "negative",
        Span(0, len(context.negative.text.rstrip())),
        {"tags": ", ".join(f"`{each}`" for each in wanted), "model": context.card.title},
        variant,
        (edit,),
        safety="unsafe" if context.has_negative else None,
        once=not context.has_negative,
    )
