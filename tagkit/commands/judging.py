"""The inputs of `tagkit lint`: each judged, fixed as asked, written where that was asked for."""

from __future__ import annotations

import os
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.commands.choosing import choose_card, choose_dialect
from tagkit.commands.inputs import (
    CAPTION_FILES,
    PROMPT_FILES,
    Pictures,
    expanded,
    is_file,
    is_job_file,
    open_document,
)
from tagkit.commands.packs import known_rules
from tagkit.commands.shared import report
from tagkit.data import write_atomically
from tagkit.documents import Document, Record, parse_document
from tagkit.errors import UserError
from tagkit.lexicon import lexicon_for
from tagkit.linting.batch import LintedDocument, fixed_text, lint_document
from tagkit.linting.files import Files
from tagkit.linting.linter import Linter
from tagkit.linting.matchers.length import LENGTH
from tagkit.packs import Rule, Safety, selected
from tagkit.prompt import CAPTIONS
from tagkit.settings import Settings, find_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tagkit.commands.job_prompts import Use
    from tagkit.linting.fitting import Fitting

    LinterFor = Callable[[Record], tuple[str, str, Linter]]

# Records that differ in their settings only may go on for ever.
_REMEMBERED = 1024


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
    rules: tuple[Path, ...]
    model: str | None
    dialect: str | None
    captions: bool | None
    keep_tokens: int
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


class Judge:
    """Settings, rules and linters of one run, each made once whatever the number of files.

    arguments: what it is to judge; prompts that a job file among them names are judged as that uses
    them. `failed` becomes true with the first input that cannot be judged.
    """

    def __init__(self, options: Options, arguments: Sequence[str] = ()) -> None:
        self.options = options
        self._arguments = arguments
        self.failed = False
        self._settings = cache(lambda folder: find_settings(Path(folder)))
        self._rules = cache(lambda settings: rules_for(options, settings))
        self._files = cache(Files)
        self._pictures = Pictures()
        self._choice = lru_cache(_REMEMBERED)(choose_card)
        self._linter_of = cache(self._linter_by)
        self._known: dict[str, Rule] = {}
        self._linters: dict[tuple[object, ...], Linter] = {}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule that has judged so far, ordered by code."""
        return tuple(self._known[code] for code in sorted(self._known))

    def outcomes(self) -> Iterator[Outcome]:
        """What comes of each input, one after the other; an error is reported, the rest is done."""
        for argument in expanded(self._arguments, suffixes_of(self.options)):
            try:
                yield self._outcome(argument)
            except UserError as error:
                report(error)
                self.failed = True

    def document(self, argument: str) -> Document:
        """What an argument means. Raises UserError."""
        options = self.options
        return self.as_used(
            open_document(
                argument, options.split, captions=options.captions, pictures=self._pictures
            )
        )

    def as_used(self, document: Document) -> Document:
        """The document as a job file uses it, if one does."""
        use = self._uses.get(document.path)
        return use.of(document) if use else document

    @cached_property
    def _uses(self) -> dict[str, Use]:
        """What job files say of the prompts in files that they name; the first one counts."""
        uses: dict[str, Use] = {}
        for argument in filter(is_job_file, self._arguments):
            from tagkit.commands.job_prompts import job_uses

            uses = job_uses(Path(argument)) | uses
        return uses

    def holds_captions(self, path: Path) -> bool:
        """Whether a file holds captions, as the options say or by the pictures beside it."""
        captions = self.options.captions
        return self._pictures.captioned_by(path) if captions is None else captions

    def linter_for(self, document: Document) -> LinterFor:
        """Finds the linter of each record of a document; it works safe fixes out."""
        return self._linter_for(document, self._settings_of(document), ("safe",))

    def _settings_of(self, document: Document) -> Settings:
        """Those of the folder of a file; what is no file lies in the current one."""
        return self._settings(document.path[: document.path.rfind(os.sep) + 1])

    def _outcome(self, argument: str) -> Outcome:
        options = self.options
        document = self.document(argument)
        settings = self._settings_of(document)
        safe = self._lint(document, settings, ("safe",))
        fixes: tuple[Safety, ...] = ("safe", "unsafe")
        asked = self._lint(document, settings, fixes) if options.unsafe_fixes else safe
        fittings: tuple[Fitting, ...] = ()
        if options.fit is not None and not document.captions:
            from tagkit.linting.fitting import fit_document

            asked, fittings = fit_document(asked, options.fit, lexicon_for(settings.lexicon))
        wanted = fixed_text(asked, add_negative=options.add_negative)
        if not options.fix or options.diff or wanted == document.text or not document.writable:
            return Outcome(argument, safe, safe, wanted, fittings)
        if is_file(argument):
            write_atomically(Path(argument).resolve(), document.encoded(wanted))
        after = parse_document(wanted, document.path, options.split, captions=document.captions)
        after = self.as_used(after)
        return Outcome(argument, self._lint(after, settings, ("safe",)), safe, wanted, fittings)

    def _lint(
        self, document: Document, settings: Settings, fixes: tuple[Safety, ...]
    ) -> LintedDocument:
        return lint_document(document, self._linter_for(document, settings, fixes))

    def _linter_for(
        self, document: Document, settings: Settings, fixes: tuple[Safety, ...]
    ) -> LinterFor:
        """Finds the linter of each record: its model, who named that, its dialect."""
        asked = self.options.dialect or settings.dialect
        linter_of = self._linter_of(settings, fixes)
        use = self._uses.get(document.path)
        used = use.settings if use else ""

        def linter_for(record: Record) -> tuple[str, str, Linter]:
            dialect = CAPTIONS if document.captions else choose_dialect(asked, record)
            said = f"{used}, {record.settings}" if used and record.settings else record.settings
            return linter_of(said or used or None, dialect)

        return linter_for

    def _linter_by(
        self, settings: Settings, fixes: tuple[Safety, ...]
    ) -> Callable[[str | None, str], tuple[str, str, Linter]]:
        """Finds the linter by the settings of a record and its dialect."""
        rules = self._rules(settings)
        self._known |= {rule.code: rule for rule in rules}

        @lru_cache(_REMEMBERED)
        def linter_of(settings_line: str | None, dialect: str) -> tuple[str, str, Linter]:
            choice = self._choice(self.options.model, settings_line, settings)
            key = (choice.name, choice.card is None, dialect, settings, fixes)
            if key not in self._linters:
                self._linters[key] = Linter(
                    choice.card,
                    rules,
                    dialect,
                    fixes,
                    keep_tokens=self.options.keep_tokens,
                    files=self._files(settings),
                    lexicon=lexicon_for(settings.lexicon),
                )
            return choice.name, choice.source, self._linters[key]

        return linter_of


def suffixes_of(options: Options) -> tuple[str, ...]:
    """Suffixes of the files that a folder means."""
    return PROMPT_FILES if options.captions is False else CAPTION_FILES


def rules_for(options: Options, settings: Settings) -> tuple[Rule, ...]:
    """The rules that were asked for, as severe as asked. Raises UserError for an unknown code."""
    select = options.select or settings.select
    known = known_rules((*settings.rules, *options.rules))
    rules = selected(known, select, (*settings.ignore, *options.ignore))
    guessed = (options.dialect or settings.dialect) == "auto"
    return tuple(_as_severe_as_asked(rule, options, guessed=guessed) for rule in rules)


def _as_severe_as_asked(rule: Rule, options: Options, *, guessed: bool) -> Rule:
    severity = rule.severity
    if rule.kind == LENGTH and options.strict_length:
        severity = "error"
    elif rule.if_guessed and guessed:
        severity = rule.if_guessed
    return rule if severity == rule.severity else msgspec.structs.replace(rule, severity=severity)
