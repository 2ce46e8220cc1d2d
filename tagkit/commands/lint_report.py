"""What `tagkit lint` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tagkit.commands.choosing import DEFAULT
from tagkit.commands.inputs import STDIN, is_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.commands.judging import Options, Outcome
    from tagkit.linting.batch import LintedDocument

# Forms made of lines; the others are one document each.
LINES = ("full", "concise", "github")
FORMS = (*LINES, "json", "sarif")


def print_report(outcomes: Sequence[Outcome], options: Options) -> None:
    """Prints what was found in the form that was asked for; piped text comes back on stdout."""
    linted = [outcome.linted for outcome in outcomes]
    if options.form not in LINES:
        click.echo(_as_document(outcomes, options))
        return
    if options.diff:
        _print_diff(outcomes)
        return
    piped = [each for each in outcomes if options.fix and not is_file(each.source)]
    for outcome in piped:
        click.echo(outcome.wanted, nl=outcome.source != STDIN)
    _print_models(linted)
    for line in _lines(outcomes, options):
        click.echo(line, err=bool(piped))


def _as_document(outcomes: Sequence[Outcome], options: Options) -> str:
    linted = [outcome.linted for outcome in outcomes]
    if options.form == "sarif":
        from tagkit.packs import shipped_rules
        from tagkit.reporting.sarif import sarif

        return sarif(linted, shipped_rules())
    from tagkit.reporting.as_json import as_json

    names = [prompt.model for each in linted for prompt in each.prompts]
    fixed = [[prompt.report.fixed for prompt in outcome.safe.prompts] for outcome in outcomes]
    fittings = [outcome.fittings for outcome in outcomes]
    model = names[0] if names else options.model or DEFAULT
    return as_json(linted, model, fixed, fittings, statistics=options.statistics)


def _lines(outcomes: Sequence[Outcome], options: Options) -> Iterator[str]:
    linted = [outcome.linted for outcome in outcomes]
    if options.statistics:
        from tagkit.reporting.statistics import statistics

        yield from statistics(linted)
    else:
        yield from _findings(linted, options.form)
    if options.fit:
        from tagkit.reporting.fitting import fitting_lines

        for each in outcomes:
            yield from fitting_lines(each.safe, each.fittings)


def _findings(linted: Sequence[LintedDocument], form: str) -> Iterator[str]:
    if form == "github":
        from tagkit.reporting.github import github

        return github(linted)
    if form == "concise":
        from tagkit.reporting.concise import concise

        return concise(linted)
    from tagkit.reporting.full import full

    return full(linted)


def _print_models(linted: Sequence[LintedDocument]) -> None:
    models = {(prompt.model, prompt.model_source) for each in linted for prompt in each.prompts}
    for model, source in sorted(models):
        click.echo(f"model: {model} ({source})", err=True)


def _print_diff(outcomes: Sequence[Outcome]) -> None:
    from tagkit.reporting.diff import unified

    for outcome in outcomes:
        document = outcome.linted.document
        for line in unified(document.text, outcome.wanted, document.path):
            click.echo(line)
