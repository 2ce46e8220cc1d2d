"""The inputs of `tagkit lint`: each judged, fixed as asked, written where that was asked for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.commands.choosing import choose_card
from tagkit.commands.inputs import expanded, is_file, open_document
from tagkit.commands.shared import report
from tagkit.data import write_atomically
from tagkit.documents import Document, Record, parse_document
from tagkit.errors import UserError
from tagkit.linting.batch import LintedDocument, fixed_text, lint_document
from tagkit.linting.linter import Linter
from tagkit.packs import Rule, Safety, selected, shipped_rules
from tagkit.settings import Settings, find_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tagkit.linting.fitting import Fitting

    LinterFor = Callable[[Record], tuple[str, str, Linter]]

# The matcher of rules that hold prompts against the card's token limit.
_LENGTH = "length"


class Options(msgspec.Struct, frozen=True):
    """What the user asked for: the options of the command line by their names."""

    fix: bool
    unsafe_fixes: bool
    diff: bool
    fit: int | None
    add_negative: bool
    strict_length: bool
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    model: str | None
    dialect: str | None
    split: str
    form: str
    statistics: bool


class Outcome(NamedTuple):
    """One input: as it is (or was left by --fix), what safe fixes give, what all asked-for give.

    fittings: what --fit did to each prompt.
    """

    source: str
    linted: LintedDocument
    safe: LintedDocument
    wanted: str
    fittings: tuple[Fitting, ...] = ()


def outcomes_of(arguments: Sequence[str], options: Options) -> tuple[list[Outcome], bool]:
    """What comes of each input, and whether one failed; the rest is done nevertheless."""
    outcomes, failed = [], False
    for argument in expanded(arguments):
        try:
            outcomes.append(_outcome(argument, options))
        except UserError as error:
            report(error)
            failed = True
    return outcomes, failed


def rules_for(options: Options, settings: Settings) -> tuple[Rule, ...]:
    """The rules that were asked for, as severe as asked. Raises UserError for an unknown code."""
    select = options.select or settings.select
    rules = selected(shipped_rules(), select, (*settings.ignore, *options.ignore))
    if not options.strict_length:
        return rules
    return tuple(
        msgspec.structs.replace(rule, severity="error") if rule.kind == _LENGTH else rule
        for rule in rules
    )


def _outcome(argument: str, options: Options) -> Outcome:
    document = open_document(argument, options.split)
    settings = find_settings(Path(argument) if is_file(argument) else Path())
    safe = _lint(document, settings, options, ("safe",))
    fixes: tuple[Safety, ...] = ("safe", "unsafe")
    asked = _lint(document, settings, options, fixes) if options.unsafe_fixes else safe
    fittings: tuple[Fitting, ...] = ()
    if options.fit is not None:
        from tagkit.linting.fitting import fit_document

        asked, fittings = fit_document(asked, options.fit)
    wanted = fixed_text(asked, add_negative=options.add_negative)
    if not options.fix or options.diff or wanted == document.text or not document.writable:
        return Outcome(argument, safe, safe, wanted, fittings)
    if is_file(argument):
        write_atomically(Path(argument).resolve(), document.encoded(wanted))
    after = parse_document(wanted, document.path, options.split)
    return Outcome(argument, _lint(after, settings, options, ("safe",)), safe, wanted, fittings)


def _lint(
    document: Document, settings: Settings, options: Options, fixes: tuple[Safety, ...]
) -> LintedDocument:
    return lint_document(document, _linters(settings, options, fixes))


def _linters(settings: Settings, options: Options, fixes: tuple[Safety, ...]) -> LinterFor:
    """Linters by the settings line of a record, each made once."""
    rules = rules_for(options, settings)
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
