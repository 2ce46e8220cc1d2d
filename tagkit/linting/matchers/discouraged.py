"""Tags that the checkpoint's card advises against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Finding
from tagkit.linting.editing import removal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context
    from tagkit.packs import Rule


def discouraged_tags(context: Context, rule: Rule) -> Iterator[Finding]:
    """Tags that match one of the card's patterns and none of its exceptions."""
    for where, prompt in context.prompts(rule):
        for tag in prompt.tags:
            ban = context.knowledge.ban(tag.name)
            if ban and tag.is_asked_for:
                edit = removal(prompt, tag)
                values = {"tag": tag.name, "model": context.card.title, "pattern": ban.pattern}
                yield Finding(where, tag.span, values, edits=(edit,) if edit else ())
