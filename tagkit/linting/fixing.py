"""Fixes applied until nothing is left to fix."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

import msgspec

from tagkit.linting.diagnostics import Diagnostic, Edit, apply_edits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.linting.checking import Checker
    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Where
    from tagkit.linting.screening import Glance
    from tagkit.packs import Safety
    from tagkit.spans import Span

# A prompt settles in two or three rounds; the bound is for rules that undo one another.
MAX_ROUNDS = 50


def fixed(
    context: Context,
    diagnostics: Sequence[Diagnostic],
    checker: Checker,
    allowed: Sequence[Safety],
) -> tuple[Context, Sequence[Diagnostic]]:
    """The prompt with every fix of an `allowed` safety, repeated to a fixed point.

    `diagnostics`: what `checker` found. Returns with it what is found still.
    """
    for _ in range(MAX_ROUNDS):
        edits = _compatible(diagnostics, allowed)
        if not edits:
            break
        for where, chosen in edits.items():
            context = context.with_text(where, apply_edits(context.text(where), chosen))
        diagnostics = _checked_again(context, checker, diagnostics, edits)
    return context, diagnostics


def fixed_list(
    glance: Glance, diagnostics: Sequence[Diagnostic], checker: Checker, allowed: Sequence[Safety]
) -> Glance | None:
    """The same for the positive prompt of plain tags that a glance was taken of.

    None if the fixes make it more than that, or change what a missing negative prompt heeds of it.
    """
    now, curable = glance, checker.curable(tuple(allowed))
    for _ in range(MAX_ROUNDS):
        edits = _compatible(diagnostics, allowed)
        if not edits:
            break
        then = checker.glance_again(now, edits["positive"], curable)
        if then is None or then.heeded != glance.heeded:
            return None
        now, diagnostics = then, checker.check_list(then, curable)
    return now


def _checked_again(
    context: Context,
    checker: Checker,
    before: Sequence[Diagnostic],
    edits: dict[Where, list[Edit]],
) -> Sequence[Diagnostic]:
    """What is found now. A new positive prompt bears on all texts, another one only on itself."""
    if "positive" in edits:
        return checker.check(context)
    changed = frozenset(edits)
    narrowed = msgspec.structs.replace(context, texts=changed)
    kept = [each for each in before if each.where not in changed]
    return [*kept, *checker.check(narrowed)]


def _compatible(
    diagnostics: Sequence[Diagnostic], allowed: Sequence[Safety]
) -> dict[Where, list[Edit]]:
    """Edits of each text that touch no place twice; those left out get their turn next round."""
    fixes = [
        (each.where, each.fix.edits)
        for each in diagnostics
        if each.fix and each.fix.safety in allowed
    ]
    if len(fixes) == 1:
        return {where: [*edits] for where, edits in fixes}
    chosen: dict[Where, list[Edit]] = {}
    taken: dict[Where, list[Span]] = {}
    for where, edits in fixes:
        spans = taken.setdefault(where, [])
        if not spans or all(_is_free(edit.span, spans) for edit in edits):
            chosen.setdefault(where, []).extend(edits)
            for edit in edits:
                insort(spans, edit.span)
    return chosen


def _is_free(span: Span, taken: list[Span]) -> bool:
    """Whether a span touches none of `taken`, which are sorted and apart from one another."""
    index = bisect_left(taken, span)
    before = index == 0 or taken[index - 1].end < span.start
    return before and (index == len(taken) or span.end < taken[index].start)
