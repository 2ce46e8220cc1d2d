"""Tags that both prompts have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Finding
from tagkit.linting.editing import removal
from tagkit.linting.patterns import name_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context
    from tagkit.packs import Rule


def tags_in_both(context: Context, rule: Rule) -> Iterator[Finding]:
    """Whole tags of the negative prompt that the positive one has too.

    Taken out is only what the card itself puts into the negative prompt of those who do not ask
    for it; which of two own words was meant is the user's to say. The
    `placeholders` of templates are no tags.
    """
    wanted = {tag.name for tag in context.positive.tags if tag.whole and tag.is_asked_for}
    wanted -= {*rule.settings["placeholders"]}
    for tag in context.negative.tags:
        if tag.whole and tag.name in wanted:
            injected = tag.weight == 1.0 and _is_injected(tag.name, context)
            edit = removal(context.negative, tag) if injected else None
            edits = (edit,) if edit else ()
            yield Finding("negative", tag.span, {"tag": tag.name}, edits=edits)


def _is_injected(name: str, context: Context) -> bool:
    """Whether the card would inject it, were the positive prompt without it."""
    return any(
        each.inject == name and name_test(each.pattern)(name) and name_test(each.unless)(name)
        for each in context.card.prompt.overfit
    )
