"""Brackets without a partner, and words that brackets rob of their meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Finding
from tagkit.prompt import Bracket, Break, Choice, Stray

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt

# A variant is drawn and an alternation is resolved before BREAK is read; AND is read before both.
_AROUND_BREAK = frozenset({"emphasis", "deemphasis"})
_AROUND_AND = frozenset({"emphasis", "deemphasis", "schedule", "alternate"})


def bracket_errors(context: Context, rule: Rule) -> Iterator[Finding]:
    """Variants `opened` and `closed`: a bracket without a partner. `break` and `and`: in brackets.

    AND has no meaning in a negative prompt.
    """
    for where, prompt in context.prompts(rule):
        yield from errors_of_brackets(prompt, where)


def errors_of_brackets(prompt: Prompt, where: Where) -> Iterator[Finding]:
    """All of that in one prompt."""
    for node in prompt.grammar:
        text = prompt.text[node.span.start : node.span.end]
        if isinstance(node, Stray):
            variant = "opened" if text in "([{" else "closed"
            yield Finding(where, node.span, {"bracket": text.strip()}, variant)
        elif isinstance(node, Break) and (text == "BREAK" or where == "positive"):
            around = _AROUND_BREAK if text == "BREAK" else _AROUND_AND
            if any(_encloses(other, node, around) for other in prompt.grammar):
                yield Finding(where, node.span, {"word": text}, text.lower())


def _encloses(node: object, inner: Break, kinds: frozenset[str]) -> bool:
    if not isinstance(node, Bracket | Choice) or node.kind not in kinds:
        return False
    return node.span.start < inner.span.start and inner.span.end < node.span.end
