"""What `tagkit lint` prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tagkit.commands.inputs import STDIN, is_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.commands.judging import Judge, Options, Outcome
    from tagkit.linting.batch import LintedDocument

# Forms made of lines; the others are one document each.
LINES = ("full", "concise", "github")
FORMS = (*LINES, "json", "sarif")


def print_report(
    outcomes: Iterator[Outcome], options: Options, judge: Judge, *, piped: bool
) -> None:
    """Prints what was found in the form that was asked for, line by line where it has lines.

    judge: who gives the outcomes. piped: whether fixed text comes back on stdout; the report goes
    to stderr then.
    """
    if options.form == "json":
        _print_json(outcomes, options)
        return
    if options.form == "sarif":
        _print_sarif(outcomes, judge)
        return
    if options.diff:
        for outcome in outcomes:
            _print_diff(outcome)
        return
    for line in _lines(_announced(outcomes, options), options):
        click.echo(line, err=piped)


def _announced(outcomes: Iterator[Outcome], options: Options) -> Iterator[Outcome]:
    """The same outcomes; each model is named when it comes up, and piped text is given back."""
    models: set[tuple[str, str]] = set()
    for outcome in outcomes:
        if options.fix and not is_file(outcome.source):
            click.echo(outcome.wanted, nl=outcome.source != STDIN)
        for prompt in outcome.linted.prompts:
            if (prompt.model, prompt.model_source) not in models:
                models.add((prompt.model, prompt.model_source))
                click.echo(f"model: {prompt.model} ({prompt.model_source})", err=True)
        yield outcome


def _print_json(outcomes: Iterator[Outcome], options: Options) -> None:
    from tagkit.reporting.as_json import Judged, as_json

    judged = (
        Judged(each.linted, [prompt.report.fixed for prompt in each.safe.prompts], each.fittings)
        for each in outcomes
    )
    sys.stdout.buffer.writelines(as_json(judged, statistics=options.statistics))
    sys.stdout.buffer.flush()


def _print_sarif(outcomes: Iterator[Outcome], judge: Judge) -> None:
    from tagkit.reporting.sarif import sarif

    linted = [outcome.linted for outcome in outcomes]
    if linted:
        click.echo(sarif(linted, judge.rules))


def _lines(outcomes: Iterator[Outcome], options: Options) -> Iterator[str]:
    fitted: list[Outcome] = []

    def linted() -> Iterator[LintedDocument]:
        for outcome in outcomes:
            if outcome.fittings:
                fitted.append(outcome)
            yield outcome.linted

    if options.statistics:
        from tagkit.reporting.statistics import statistics

        yield from statistics(linted())
    else:
        yield from _findings(linted(), options.form)
    if fitted:
        from tagkit.reporting.fitting import fitting_lines

        for each in fitted:
            yield from fitting_lines(each.safe, each.fittings)


def _findings(linted: Iterator[LintedDocument], form: str) -> Iterator[str]:
    if form == "github":
        from tagkit.reporting.github import github

        return github(linted)
    if form == "concise":
        from tagkit.reporting.concise import concise

        return concise(linted)
    from tagkit.reporting.full import full

    return full(linted)


def _print_diff(outcome: Outcome) -> None:
    from tagkit.reporting.diff import unified

    document = outcome.linted.document
    for line in unified(document.text, outcome.wanted, document.path):
        click.echo(line)
