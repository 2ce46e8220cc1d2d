"""Settings of a record held against the ranges that the card states."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Edit, Finding
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.cards import ImageCard, Range, Sides
    from tagkit.linting.context import Context
    from tagkit.packs import Rule

_SIZE = re.compile(r"(?:^|, *)Size: *(\d+)x(\d+)")


def out_of_range(context: Context, rule: Rule) -> Iterator[Finding]:
    """CFG scale, size and hires denoising strength; a figure without a range is no limit."""
    card = context.card
    yield from _number("CFG scale", card.sampling.cfg, context.settings, card)
    if "Hires upscale" in context.settings:
        yield from _number("Denoising strength", card.hires.denoise, context.settings, card)
    yield from _sides(context.settings, card)


def _number(key: str, allowed: Range, settings: str, card: ImageCard) -> Iterator[Finding]:
    found = re.search(rf"(?:^|, *){key}: *(\d+\.?\d*|\.\d+)", settings)
    if found is None:
        return
    value = float(found[1])
    nearest = value
    if allowed.min is not None:
        nearest = max(nearest, allowed.min)
    if allowed.max is not None:
        nearest = min(nearest, allowed.max)
    if nearest != value:
        span = Span(*found.span(1))
        values = {
            "key": key,
            "value": found[1],
            "nearest": f"{nearest:g}",
            "range": _shown(allowed),
            "model": card.title,
        }
        yield Finding("settings", span, values, edits=(Edit(span, values["nearest"]),))


def _shown(allowed: Range) -> str:
    if allowed.min is None:
        return f"at most {allowed.max:g}"
    if allowed.max is None:
        return f"at least {allowed.min:g}"
    return f"{allowed.min:g} to {allowed.max:g}"


def _sides(settings: str, card: ImageCard) -> Iterator[Finding]:
    found = _SIZE.search(settings)
    if found is None:
        return
    for group in (1, 2):
        side = int(found[group])
        nearest = _nearest_side(side, card.size)
        if nearest != side:
            span = Span(*found.span(group))
            values = {
                "key": "Size",
                "value": str(side),
                "nearest": str(nearest),
                "range": f"{card.size.min} to {card.size.max} in steps of {card.size.step}",
                "model": card.title,
            }
            yield Finding("settings", span, values, edits=(Edit(span, str(nearest)),))


def _nearest_side(side: int, sides: Sides) -> int:
    stepped = round(side / sides.step) * sides.step
    return min(max(stepped, sides.min), sides.max)
