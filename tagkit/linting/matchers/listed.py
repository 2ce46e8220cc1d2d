"""Tags of one of the card's closed lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Finding
from tagkit.linting.editing import removal
from tagkit.prompt import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.packs import Rule


def listed_tags(context: Context, rule: Rule) -> Iterator[Finding]:
    """Tags of the list `list` of the card's advice on prompts; with `once` only the first."""
    listed = context.knowledge.prepared(rule, _names)
    for where, prompt in context.prompts(rule):
        found = [tag for tag in prompt.tags if tag.name in listed]
        for tag in found[:1] if rule.settings.get("once") else found:
            edit = removal(prompt, tag) if rule.fix else None
            values = {"tag": tag.name, "model": context.card.title}
            yield Finding(where, tag.span, values, edits=(edit,) if edit else ())


def _names(rule: Rule, knowledge: Knowledge) -> frozenset[str]:
    names: tuple[str, ...] = getattr(knowledge.card.prompt, rule.settings["list"])
    return frozenset(map(canonical, names))
