"""Prompts of files and arguments completed, and printed as they come."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import msgspec

from tagkit.cards import ImageCard, image_card
from tagkit.commands.choosing import choose_card, choose_dialect
from tagkit.commands.inputs import JOB_SUFFIXES, expanded, is_file, open_document
from tagkit.commands.shared import EXIT_DONE, EXIT_FAILED, EXIT_FOUND, report
from tagkit.data import DEFAULT_CARD
from tagkit.errors import UserError
from tagkit.expansion import Expander, Expansion, Options, Wish, find_tag_model, load_tag_model
from tagkit.expansion.expander import unsafe_prompt
from tagkit.expansion.reports import as_json, as_text, explanation, on_one_line
from tagkit.lexicon import lexicon_for
from tagkit.reporting.diff import unified
from tagkit.settings import Settings, find_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.documents import Record
    from tagkit.expansion import TagModel
    from tagkit.expansion.tag_model import Source

AT_ONCE = 64  # prompts between two signs of life


class Choices(NamedTuple):
    """What the user asked for besides `Options`. seeds: one for each variation."""

    model: str | None
    tag_model: str | None
    device: str
    seeds: range
    diff: bool
    explain: bool
    form: str


class Run(NamedTuple):
    """What prompts share that are completed together: the card, who named it, the settings."""

    card: ImageCard
    named_by: str
    settings: Settings


class _Printer:
    """Prints expansions as they come, as JSON all at the end."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._expansions: list[Expansion] = []
        self._after_block = False

    def show(self, record: Record, expansion: Expansion) -> None:
        """Takes one expansion."""
        self._expansions.append(expansion)
        if self._choices.diff:
            before, after = on_one_line(expansion.input), on_one_line(expansion.prompt)
            for line in unified(before, after, f"seed {expansion.seed}"):
                click.echo(line)
        elif self._choices.form == "text":
            self._print_text(as_text(expansion, record))
        if self._choices.explain:
            click.echo(explanation(expansion), err=True)

    def close(self) -> None:
        """Prints what had to wait for the last expansion."""
        if self._choices.form == "json" and self._expansions and not self._choices.diff:
            click.echo(as_json(self._expansions))

    def _print_text(self, text: str) -> None:
        """Blank lines part records of several lines, so that they can be read back."""
        is_block = "\n" in text
        if len(self._expansions) > 1 and (is_block or self._after_block):
            click.echo()
        click.echo(text)
        self._after_block = is_block


def complete(inputs: Sequence[str], options: Options, choices: Choices) -> int:
    """Completes what can be completed, and reports the rest.

    A refused prompt among others is a finding; where nothing could be completed, that is a failure.
    """
    found, failed = _records(inputs, choices)
    refused = 0
    printer = _Printer(choices)
    models: dict[str, TagModel] = {}
    for run, group in groupby(found, key=itemgetter(0)):
        source = _source(run, choices)
        expander = _expander(run, source, options)
        given = [record for _, record in group]
        records = _safe(given, expander)
        refused += len(given) - len(records)
        if records and source.name not in models:
            models[source.name] = load_tag_model(source, choices.device)
        if records:
            _tell(run, source, choices)
            _expand(records, expander, models[source.name], choices.seeds, printer)
    printer.close()
    if failed or (refused and refused == len(found)):
        return EXIT_FAILED
    return EXIT_FOUND if refused else EXIT_DONE


def _expander(run: Run, source: Source, options: Options) -> Expander:
    lexicon = lexicon_for(run.settings.lexicon)
    return Expander(run.card, source.card, options, run.settings.dialect, lexicon)


def _expand(
    records: Sequence[Record], expander: Expander, model: TagModel, seeds: range, printer: _Printer
) -> None:
    """A portion at a time, so that a long run is seen to go on."""
    several = [(record, seed) for record in records for seed in seeds]
    for start in range(0, len(several), AT_ONCE):
        some = several[start : start + AT_ONCE]
        expansions = expander.expand(model, [Wish(each.positive, seed) for each, seed in some])
        for (record, _), expansion in zip(some, expansions, strict=True):
            printer.show(record, expansion)
        if len(several) > AT_ONCE:
            click.echo(f"{start + len(some)} of {len(several)}", err=True)


def _tell(run: Run, source: Source, choices: Choices) -> None:
    first, last = choices.seeds[0], choices.seeds[-1]
    seeds = f"seed {first}" if first == last else f"seeds {first} to {last}"
    click.echo(
        f"model: {run.card.name} ({run.named_by}), tag model {source.name}, {seeds}", err=True
    )


def _records(inputs: Sequence[str], choices: Choices) -> tuple[list[tuple[Run, Record]], bool]:
    """The prompts of all inputs, and whether one input could not be read."""
    found, failed = [], False
    for argument in expanded(inputs):
        try:
            _refuse_job_file(argument)
            document = open_document(argument)
            settings = find_settings(Path(argument) if is_file(argument) else Path())
            found += [(_run(record, settings, choices), record) for record in document.records]
        except UserError as error:
            report(error)
            failed = True
    return found, failed


def _refuse_job_file(argument: str) -> None:
    if is_file(argument) and Path(argument).suffix.lower() in JOB_SUFFIXES:
        hint = f"`tagkit render {argument} --dry-run` shows what its `expand` adds"
        raise UserError(f"`{argument}` is a job file, not prompts", "", hint)


def _run(record: Record, settings: Settings, choices: Choices) -> Run:
    dialect = choose_dialect(settings.dialect, record)
    settings = msgspec.structs.replace(settings, dialect=dialect)
    choice = choose_card(choices.model, record.settings, settings)
    if choice.card is None:
        named_by = f"default: there is no card of `{choice.name}`"
        return Run(image_card(DEFAULT_CARD), named_by, settings)
    return Run(choice.card, choice.source, settings)


def _source(run: Run, choices: Choices) -> Source:
    """The tag model: the user's, else the image card's."""
    if choices.tag_model:
        return find_tag_model(choices.tag_model, run.settings.cards, named_by_user=True)
    if not run.card.expand.tag_model:
        hint = "name one with `--tag-model`, for example tiny"
        raise UserError(f"the card `{run.card.name}` names no tag model", "", hint)
    return find_tag_model(run.card.expand.tag_model, run.settings.cards, named_by_user=False)


def _safe(records: list[Record], expander: Expander) -> list[Record]:
    """The prompts that may be completed; the others are reported."""
    safe = []
    for record in records:
        if expander.is_unsafe(record.positive):
            report(unsafe_prompt(record.positive))
        else:
            safe.append(record)
    return safe
