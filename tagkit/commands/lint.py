"""`tagkit lint`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from tagkit.commands.choosing import DEFAULT, choose_card
from tagkit.commands.inputs import (
    STDIN,
    expanded,
    is_file,
    named,
    open_document,
)
from tagkit.commands.shared import EXIT_DONE, EXIT_FAILED, EXIT_FOUND, report
from tagkit.data import write_atomically
from tagkit.documents import SPLITS, Document, Record, parse_document
from tagkit.errors import UserError
from tagkit.linting.batch import LintedDocument, fixed_text, lint_document
from tagkit.linting.linter import Linter
from tagkit.packs import Rule, Safety, selected, shipped_rules
from tagkit.prompt import DIALECTS
from tagkit.settings import Settings, find_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Options(NamedTuple):
    """What the user asked for."""

    fix: bool
    unsafe: bool
    diff: bool
    add_negative: bool
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    model: str | None
    dialect: str | None
    split: str
    form: str


class Outcome(NamedTuple):
    """One input: as it is (or was left by --fix), what safe fixes give, what all asked-for give."""

    source: str
    linted: LintedDocument
    safe: LintedDocument
    wanted: str


def _codes(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code.strip() for each in value for code in each.split(",") if code.strip())


@click.command(name="lint", short_help="Check prompts, and fix them.")
@click.argument("paths", nargs=-1, metavar="[PATH|TEXT|-]...")
@click.option("--fix", is_flag=True, help="Write the safe fixes to the files.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: the unsafe fixes too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option(
    "--add-negative", is_flag=True, help="With --fix: a negative line for every prompt without one."
)
@click.option(
    "--select", multiple=True, callback=_codes, help="Only rules with these code prefixes."
)
@click.option("--ignore", multiple=True, callback=_codes, help="No rules with these code prefixes.")
@click.option("--model", metavar="CARD", help="Card of the checkpoint to judge by.")
@click.option("--dialect", type=click.Choice([*DIALECTS, "auto"]), help="Grammar of the prompts.")
@click.option(
    "--split", type=click.Choice(SPLITS), default="lines", help="What one prompt is in a file."
)
@click.option(
    "--output-format",
    "form",
    type=click.Choice(["full", "json"]),
    default="full",
    help="Form of the report.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
def command(
    paths: tuple[str, ...],
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    add_negative: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    model: str | None,
    dialect: str | None,
    split: str,
    form: str,
    exit_zero: bool,
) -> int:
    """Check prompts, and fix them.

    PATH is a file, a folder of *.txt files or an image; TEXT is a prompt; - is stdin, which
    with --fix comes back on stdout. The exit status is 1 for an error or a warning.

    \b
    Examples:
      tagkit lint prompts.txt
      tagkit lint prompts.txt --fix
      tagkit lint "masterpiece, 1girl, 1girl" --diff
      cat prompt.txt | tagkit lint - --fix > fixed.txt
    """
    options = Options(
        fix, unsafe_fixes, diff, add_negative, select, ignore, model, dialect, split, form
    )
    outcomes, failed = _outcomes(named(paths, "lint"), options)
    if outcomes:
        _print(outcomes, options)
    if failed:
        return EXIT_FAILED
    worth = {"error", "warning"}
    found = any(d.severity in worth for each in outcomes for d in each.linted.diagnostics())
    return EXIT_FOUND if found and not exit_zero else EXIT_DONE


def _outcomes(arguments: Sequence[str], options: Options) -> tuple[list[Outcome], bool]:
    outcomes, failed = [], False
    for argument in expanded(arguments):
        try:
            outcomes.append(_outcome(argument, options))
        except UserError as error:
            report(error)
            failed = True
    return outcomes, failed


def _outcome(argument: str, options: Options) -> Outcome:
    document = open_document(argument, options.split)
    settings = find_settings(Path(argument) if is_file(argument) else Path())
    safe = _lint(document, settings, options, ("safe",))
    asked = _lint(document, settings, options, ("safe", "unsafe")) if options.unsafe else safe
    wanted = fixed_text(asked, add_negative=options.add_negative)
    if not options.fix or options.diff or wanted == document.text or not document.writable:
        return Outcome(argument, safe, safe, wanted)
    if is_file(argument):
        write_atomically(Path(argument).resolve(), document.encoded(wanted))
    after = parse_document(wanted, document.path, options.split)
    return Outcome(argument, _lint(after, settings, options, ("safe",)), safe, wanted)


def _lint(
    document: Document, settings: Settings, options: Options, fixes: tuple[Safety, ...]
) -> LintedDocument:
    return lint_document(document, _linters(settings, options, fixes))


def _linters(
    settings: Settings, options: Options, fixes: tuple[Safety, ...]
) -> Callable[[Record], tuple[str, str, Linter]]:
    """Linters by the settings line of a record, each made once."""
    rules = _rules(options, settings)
    asked = options.dialect or settings.dialect

    @cache
    def linter_of(settings_line: str | None, dialect: str) -> tuple[str, str, Linter]:
        choice = choose_card(options.model, settings_line, settings)
        return choice.name, choice.source, Linter(choice.card, rules, dialect, fixes)

    def linter_for(record: Record) -> tuple[str, str, Linter]:
        return linter_of(record.settings, _detected(record) if asked == "auto" else asked)

    return linter_for


def _detected(record: Record) -> str:
    from tagkit.prompt.detection import detect_dialect

    return detect_dialect(record.positive).dialect


def _rules(options: Options, settings: Settings) -> tuple[Rule, ...]:
    select = options.select or settings.select
    return selected(shipped_rules(), select, (*settings.ignore, *options.ignore))


def _print(outcomes: Sequence[Outcome], options: Options) -> None:
    linted = [outcome.linted for outcome in outcomes]
    if options.form == "json":
        from tagkit.reporting.as_json import as_json

        names = [prompt.model for each in linted for prompt in each.prompts]
        fixed = [[prompt.report.fixed for prompt in outcome.safe.prompts] for outcome in outcomes]
        click.echo(as_json(linted, names[0] if names else options.model or DEFAULT, fixed))
        return
    if options.diff:
        _print_diff(outcomes)
        return
    piped = [each for each in outcomes if options.fix and not is_file(each.source)]
    for outcome in piped:
        click.echo(outcome.wanted, nl=outcome.source != STDIN)
    from tagkit.reporting.full import full

    _print_models(linted)
    for line in full(linted):
        click.echo(line, err=bool(piped))


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
