"""`tagkit lint`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
import msgspec

from tagkit.commands.inputs import is_text, named
from tagkit.commands.judging import Judge, Options
from tagkit.commands.lint_report import FORMS, print_report
from tagkit.commands.packs import pack_option
from tagkit.commands.shared import EXIT_DONE, EXIT_FAILED, EXIT_FOUND, report
from tagkit.documents import SPLITS
from tagkit.errors import UserError
from tagkit.packs import shipped_rules
from tagkit.prompt import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.commands.judging import Outcome


def _codes(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code.strip() for each in value for code in each.split(",") if code.strip())


@click.command(name="lint", short_help="Check prompts, and fix them.")
@click.argument("paths", nargs=-1, metavar="[PATH|TEXT|-]...")
@click.option("--fix", is_flag=True, help="Write the safe fixes to the files.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: the unsafe fixes too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option(
    "--fit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Choose what to drop until N tokens are left; with --fix or --diff: drop it.",
)
@click.option(
    "--add-negative", is_flag=True, help="With --fix: a negative line for every prompt without one."
)
@click.option("--strict-length", is_flag=True, help="Too many tokens are an error.")
@click.option(
    "--select", multiple=True, callback=_codes, help="Only rules with these code prefixes."
)
@click.option("--ignore", multiple=True, callback=_codes, help="No rules with these code prefixes.")
@pack_option
@click.option("--model", metavar="CARD", help="Card of the checkpoint to judge by.")
@click.option("--dialect", type=click.Choice([*DIALECTS, "auto"]), help="Grammar of the prompts.")
@click.option(
    "--captions/--prompts",
    default=None,
    help="All files are captions of training pictures, or none; default: those beside a picture.",
)
@click.option(
    "--keep-tokens",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Neither move nor change the first N tags of a caption.",
)
@click.option(
    "--split", type=click.Choice(SPLITS), default="lines", help="What one prompt is in a file."
)
@click.option(
    "--output-format",
    "form",
    type=click.Choice(FORMS),
    default="full",
    help="Form of the report.",
)
@click.option("--statistics", is_flag=True, help="Count the findings of each rule instead.")
@click.option("--watch", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found, but for safety.")
def command(paths: tuple[str, ...], watch: bool, exit_zero: bool, **asked: object) -> int:
    """Check prompts, and fix them.

    PATH is a file, a folder of *.txt files, an image or a job file, which brings the files that it
    names and has them judged by its model and beside its negative prompt; TEXT is a prompt; - is
    stdin, which with --fix comes back on stdout. A text file beside a picture of its name is its
    caption. Images and job files are never written. The exit status is 1 for an error or a warning.

    \b
    Examples:
      tagkit lint prompts.txt
      tagkit lint prompts.txt --fix
      tagkit lint "masterpiece, 1girl, 1girl" --diff
      tagkit lint prompts.txt --fit 75 --diff
      tagkit lint prompts --output-format github
      tagkit lint jobs.yaml
      tagkit lint training/10_suzu --keep-tokens 1 --statistics
      cat prompt.txt | tagkit lint - --fix > fixed.txt
    """
    options = msgspec.convert(asked, Options)
    if options.statistics and options.form in ("github", "sarif"):
        raise UserError(f"`--statistics` has no {options.form} form", "", "use full or json")
    arguments = named(paths, "lint")
    if watch:
        _watch(arguments, options)
    return _lint(arguments, options, exit_zero=exit_zero)


def _watch(arguments: Sequence[str], options: Options) -> None:
    from tagkit.commands.watching import watch

    def act() -> None:
        try:
            _lint(arguments, options, exit_zero=True)
        except UserError as error:
            report(error)

    watch(arguments, act, time.sleep)


def _lint(arguments: Sequence[str], options: Options, *, exit_zero: bool) -> int:
    if options.form == "json":
        from tagkit.commands.bulk import is_worth_it, lint_many

        if is_worth_it(arguments, options):
            return lint_many(arguments, options, exit_zero=exit_zero)
    judge = Judge(options, arguments)
    verdict = _Verdict(options)
    piped = options.fix and any(map(is_text, arguments))
    print_report(verdict.watched(judge.outcomes()), options, judge, piped=piped)
    if judge.failed:
        return EXIT_FAILED
    found = verdict.refused if exit_zero else verdict.wanting
    return EXIT_FOUND if found else EXIT_DONE


class _Verdict:
    """What the exit status hangs on.

    wanting: whether an error or a warning is left, or a prompt that is longer than it was to be.
    refused: whether a rule that nothing switches off found something.
    """

    def __init__(self, options: Options) -> None:
        self._dropped = options.fix and not options.diff
        self._always = {rule.code for rule in shipped_rules() if rule.always}
        self.wanting = False
        self.refused = False

    def watched(self, outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        """The same outcomes; all have been judged when the last one is taken."""
        for outcome in outcomes:
            for each in outcome.linted.diagnostics():
                self.wanting |= each.severity in ("error", "warning")
                self.refused |= each.code in self._always
            self.wanting |= any(
                (each.tokens if self._dropped else each.before) > each.limit
                for each in outcome.fittings
            )
            yield outcome
