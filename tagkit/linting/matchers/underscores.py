"""Underscores in tags that the checkpoint knows with spaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Edit, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Tag


def underscores(context: Context, rule: Rule) -> Iterator[Finding]:
    """Tags written with underscores whose form with spaces is known, and the other one is not.

    In a choice there is no fix: schedules are not rewritten.
    """
    for where, prompt in context.prompts(rule):
        if "_" not in prompt.text:
            continue
        for tag in prompt.tags:
            written = prompt.text[tag.span.start : tag.span.end]
            if "_" in written and _is_known_with_spaces(written, tag, context):
                fix = Edit(tag.span, written.replace("_", " "))
                edits = () if tag.choices else (fix,)
                yield Finding(where, tag.span, {"tag": written, "known": fix.text}, edits=edits)


def _is_known_with_spaces(written: str, tag: Tag, context: Context) -> bool:
    """Underscores at the ends belong to something else, as does what the tables hold with them."""
    if "_" in tag.name or written[0] == "_" or written[-1] == "_" or "__" in written:
        return False
    if "AND" in written or "BREAK" in written:  # parted by spaces they would be keywords
        return False
    lexicon = context.knowledge.lexicon
    return bool(lexicon.find(tag.name)) and not lexicon.group(written.lower())
