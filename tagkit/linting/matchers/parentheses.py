"""Names whose brackets are read as emphasis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Edit, Finding
from tagkit.prompt import Bracket, Segment, Text, canonical
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Node, Prompt


def unescaped_parentheses(context: Context, rule: Rule) -> Iterator[Finding]:
    """Segments that are a known name if their brackets are taken as letters.

    The fix escapes the name's own brackets; a bracket around the name keeps its weight.
    """
    for where, prompt in context.prompts(rule):
        for node in prompt.nodes() if prompt.grammar else ():
            if not isinstance(node, Segment) or not _is_text_with_brackets(node.nodes):
                continue
            name = canonical(prompt.text[node.span.start : node.span.end])
            if context.knowledge.lexicon.find(name):
                edits = tuple(_escapes(node, prompt))
                yield Finding(where, node.span, {"tag": name}, edits=edits)


def _is_text_with_brackets(nodes: tuple[Node, ...]) -> bool:
    kinds = {type(node) for node in nodes}
    return kinds == {Text, Bracket} and all(
        node.kind == "emphasis" and node.number is None
        for node in nodes
        if isinstance(node, Bracket)
    )


def _escapes(segment: Segment, prompt: Prompt) -> Iterator[Edit]:
    for at in range(segment.span.start, segment.span.end):
        if prompt.text[at] in "()" and prompt.text[at - 1 : at] != "\\":
            yield Edit(Span(at, at), "\\")
