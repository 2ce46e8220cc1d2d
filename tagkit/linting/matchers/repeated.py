"""A tag said twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Finding
from tagkit.linting.editing import removal
from tagkit.prompt import Stray

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt, Tag


REPEATED = "repeated"
# No tag: half of `(tag:1,2)`, whose other half would become a weight without it.
_NUMBER = re.compile(r"[+-]?[\d.]+")


def repeated_tags(context: Context, rule: Rule) -> Iterator[Finding]:
    """Whole tags that another one of the same section and the same alternative says before.

    The fix keeps the first place. Where the weights differ it is unsafe: one of them is lost. So
    it is where a bracket without a partner stands between them, which may weigh the second.
    """
    for where, prompt in context.prompts(rule):
        seen: dict[str, list[Tag]] = {}
        for tag in prompt.tags:
            if not tag.whole or _NUMBER.fullmatch(tag.name):
                continue
            first = next((each for each in seen.get(tag.name, ()) if each.meets(tag)), None)
            if first is None:
                seen.setdefault(tag.name, []).append(tag)
                continue
            edit = removal(prompt, tag) if set(first.choices) <= set(tag.choices) else None
            yield Finding(
                where,
                tag.span,
                {"tag": tag.name},
                edits=(edit,) if edit else (),
                safety=None if _weigh_the_same(first, tag, prompt) else "unsafe",
            )


def _weigh_the_same(first: Tag, second: Tag, prompt: Prompt) -> bool:
    return abs(first.weight - second.weight) < 1e-6 and not any(
        isinstance(node, Stray) and first.span.start < node.span.start < second.span.start
        for node in prompt.grammar
    )
