"""Brackets without a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Finding
from tagkit.prompt import Stray

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context
    from tagkit.packs import Rule


def unbalanced_brackets(context: Context, rule: Rule) -> Iterator[Finding]:
    """Every bracket that opens without closing, or closes without opening."""
    for where, prompt in context.prompts(rule):
        for node in prompt.grammar:
            if isinstance(node, Stray):
                text = prompt.text[node.span.start : node.span.end]
                variant = "opened" if text in "([{" else "closed"
                yield Finding(where, node.span, {"bracket": text.strip()}, variant)
