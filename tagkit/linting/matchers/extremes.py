"""Weights beyond what a checkpoint can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Finding
from tagkit.prompt import Bracket

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt, Tag

_ROUNDING = 1e-9


def extreme_weights(context: Context, rule: Rule) -> Iterator[Finding]:
    """Tags whose weight, all brackets multiplied, is out of range; once an outermost bracket.

    The rule's settings hold `low` and `high` for the positive and the negative prompt, and for
    dialects that have limits of their own.
    """
    for where, prompt in context.prompts(rule):
        limits: Mapping[str, float] = rule.settings.get(prompt.dialect) or rule.settings[where]
        low = limits.get("low", float("-inf")) - _ROUNDING
        high = limits.get("high", float("inf")) + _ROUNDING
        end = 0
        for tag in prompt.tags:
            if low <= tag.weight <= high or tag.span.start < end:
                continue
            end = _end_of_bracket(tag, prompt)
            variant = "low" if tag.weight < low else "high"
            values = {
                "tag": tag.name,
                "weight": f"{tag.weight:.4g}",
                "limit": f"{limits[variant]:g}",
            }
            yield Finding(where, tag.span, values, variant)


def _end_of_bracket(tag: Tag, prompt: Prompt) -> int:
    """Where the outermost bracket around the tag ends; the end of the tag if there is none."""
    brackets = (node.span for node in prompt.grammar if isinstance(node, Bracket))
    around = (span.end for span in brackets if span.start <= tag.span.start < span.end)
    return max(around, default=tag.span.end)
