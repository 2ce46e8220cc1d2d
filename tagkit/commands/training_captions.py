"""The captions of a training, linted as `tagkit lint --captions` does it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from tagkit.commands.judging import Judge, Options
from tagkit.errors import UserError
from tagkit.packs import shipped_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.diagnostics import Diagnostic
    from tagkit.training import Plan

_NAMED_AT_MOST = 10


def lint_captions(plan: Plan) -> None:
    """Counts what is found on stderr. Raises UserError for what the recipe stops at.

    What no setting of lint switches off stops every training.
    """
    always = {rule.code for rule in shipped_rules() if rule.always}
    stopping = plan.recipe.stopped_by
    grave: list[str] = []
    counts: Counter[str] = Counter()
    for place, found in _findings(plan):
        if found.code in always or found.severity in stopping:
            grave.append(f"{place}: {found.code} {found.message}")
        elif stopping:
            counts[found.severity] += 1
    if grave:
        number = f"{len(grave)} finding{'s' if len(grave) > 1 else ''}"
        more = [f"and {len(grave) - _NAMED_AT_MOST} more"] if len(grave) > _NAMED_AT_MOST else []
        hint = (
            "tagkit lint FOLDER --captions shows them, --fix mends many; `lint: off` trains as is"
        )
        what = f"the captions have {number} that stop training"
        raise UserError(what, "\n".join([*grave[:_NAMED_AT_MOST], *more]), hint)
    if counts:
        said = ", ".join(f"{count} {name}s" for name, count in sorted(counts.items(), reverse=True))
        click.echo(f"captions: {said}; `tagkit lint FOLDER --captions` shows them", err=True)


def _findings(plan: Plan) -> Iterator[tuple[str, Diagnostic]]:
    """Every finding in a caption file, with its place."""
    files = [str(each.caption_path) for each in plan.pictures if each.caption_path]
    for outcome in Judge(_options(plan), files).outcomes():
        for each in outcome.linted.diagnostics():
            yield f"{outcome.source}", each


def _options(plan: Plan) -> Options:
    recipe = plan.recipe
    return Options(
        fix=False,
        unsafe_fixes=False,
        diff=False,
        fit=None,
        add_negative=False,
        strict_length=False,
        select=(),
        ignore=("ORD",) if recipe.captions.shuffle else (),
        rules=(),
        model=recipe.model or None,
        dialect=None,
        captions=True,
        keep_tokens=recipe.captions.keep_tokens,
        split="lines",
        form="concise",
        statistics=False,
    )
