"""Names that are an alias of another one, and names that nobody knows."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Edit, Finding
from tagkit.linting.editing import triggers
from tagkit.prompt import Choice, Segment, escaped
from tagkit.prompt.grammars import GRAMMARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.lexicon import Alias
    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule
    from tagkit.prompt import Node, Prompt, Tag
    from tagkit.spans import Span

PROSE_WORDS = 5
# Quotes hold text to draw; numbers and marks name nothing.
_NO_NAME = re.compile(r'.*".*|[\W\d_]*')


def aliases(context: Context, rule: Rule) -> Iterator[Finding]:
    """Tags that are an alias; a spelling variant is fixed safely, another alias is information.

    The fix replaces the name alone. In a schedule there is none: schedules are not rewritten.
    """
    knowledge = context.knowledge
    for where, prompt in context.prompts(rule):
        found = [tag for tag in prompt.tags if knowledge.alias(tag.name)]
        for tag in _standing_alone(prompt, found):
            if alias := knowledge.alias(tag.name):
                yield _alias_finding(where, tag, alias, prompt)


def _alias_finding(where: Where, tag: Tag, alias: Alias, prompt: Prompt) -> Finding:
    values = {"tag": tag.name, "known": alias.of}
    edits = () if tag.choices else (Edit(tag.span, _written(alias.of, tag, prompt)),)
    if alias.spelling:
        return Finding(where, tag.span, values, "spelling", edits)
    return Finding(where, tag.span, values, "other", edits, "unsafe", "info")


def unknown_tags(context: Context, rule: Rule) -> Iterator[Finding]:
    """Tags that no list of names and no vocabulary of the card holds, with the nearest names."""
    knowledge = context.knowledge
    for where, prompt in context.prompts(rule):
        found = [tag for tag in prompt.tags if knowledge.is_unknown(tag.name)]
        for tag in _standing_alone(prompt, found):
            if _NO_NAME.fullmatch(tag.name) or len(tag.name.split()) >= PROSE_WORDS:
                continue
            near = knowledge.lexicon.nearest(tag.name)
            values = {"tag": tag.name, "near": " or ".join(f"`{each}`" for each in near)}
            yield Finding(where, tag.span, values, "near" if near else "found")


def _standing_alone(prompt: Prompt, tags: list[Tag]) -> Iterator[Tag]:
    """Those of `tags` that are all that stands between two commas, whatever is drawn.

    What stands beside a bracket, a wildcard or an alternative is a part of something longer, and
    the tag behind an extra network is its trigger.
    """
    if not prompt.grammar:
        yield from tags
    elif tags:
        parts = _parts(prompt)
        woken = {tag.span for tag in triggers(prompt)}
        for tag in tags:
            at = bisect_right(parts, tag.span.start, key=lambda span: span.start)
            is_part = at > 0 and tag.span.end <= parts[at - 1].end
            if tag.whole and not is_part and tag.span not in woken:
                yield tag


def _parts(prompt: Prompt) -> list[Span]:
    """Variants, and segments that something beside their text stands in; the outermost of each."""
    spans: list[Span] = []
    for node in prompt.nodes():
        is_inside = bool(spans) and node.span.end <= spans[-1].end
        if not is_inside and _is_of_parts(node):
            spans.append(node.span)
    return spans


def _is_of_parts(node: Node) -> bool:
    if isinstance(node, Segment):
        return len(node.nodes) > 1
    return isinstance(node, Choice) and node.kind == "variants"


def _written(name: str, tag: Tag, prompt: Prompt) -> str:
    """A name as the user writes names: brackets escaped where they weigh, underscores kept."""
    written = prompt.text[tag.span.start : tag.span.end]
    text = escaped(name) if "emphasis" in GRAMMARS[prompt.dialect].factors else name
    return text.replace(" ", "_") if "_" in written and " " not in written else text
