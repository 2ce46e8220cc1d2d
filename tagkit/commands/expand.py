"""`tagkit expand`."""

from __future__ import annotations

import re
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from secrets import randbelow
from typing import TYPE_CHECKING, NamedTuple

import click
import msgspec

from tagkit.cards import ImageCard, image_card
from tagkit.commands.choosing import choose_card, choose_dialect
from tagkit.commands.inputs import JOB_SUFFIXES, expanded, is_file, named, open_document
from tagkit.commands.shared import EXIT_DONE, EXIT_FAILED, EXIT_FOUND, report
from tagkit.data import DEFAULT_CARD
from tagkit.errors import UserError
from tagkit.expansion import Expander, Expansion, Options, Wish, find_tag_model, load_tag_model
from tagkit.expansion.expander import SEEDS, unsafe_prompt
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

_SIZE = re.compile(r"(\d+)\s*[x×]\s*(\d+)", re.IGNORECASE)


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


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    size = _SIZE.fullmatch(value.strip())
    if size is None:
        raise UserError(f"`--size {value}` is no size", "", "write WIDTHxHEIGHT, as 832x1216")
    return int(size[1]), int(size[2])


def _seeds(first: int, variations: int) -> range:
    if variations < 1:
        raise UserError(f"`--variations {variations}` makes nothing", "", "it must be 1 or more")
    if first < -1:
        raise UserError(f"`--seed {first}` is no seed", "", "0 or more; -1 draws one")
    start = randbelow(SEEDS) if first == -1 else first
    return range(start, start + variations)


def _tags(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(tag.strip() for tag in value.split(",") if tag.strip())


@click.command(name="expand", short_help="Complete prompts with a tag model.")
@click.argument("inputs", nargs=-1, metavar="[PROMPT|FILE|-]...")
@click.option("--temp", type=float, help="0 takes the likeliest tag; below 1 is calm.")
@click.option("--length", metavar="LENGTH", help="very-short, short, long or very-long.")
@click.option("--ban", multiple=True, metavar="PATTERN", help="Tags never to add; repeatable.")
@click.option(
    "--ban-when", multiple=True, nargs=2, metavar="IF PATTERN", help="Ban PATTERN beside a tag IF."
)
@click.option("--no-card-bans", is_flag=True, help="Leave out what the image card speaks against.")
@click.option("--ban-group", multiple=True, metavar="GROUP", help="A group never to add from.")
@click.option("--allow-group", multiple=True, metavar="GROUP", help="Add from this group too.")
@click.option("--hide", multiple=True, metavar="PATTERN", help="Tags the tag model must not see.")
@click.option("--top-p", type=float, help="Draw from the likeliest tokens up to this share.")
@click.option("--top-k", type=int, help="Draw from so many likeliest tokens; 0 is all.")
@click.option("--min-p", type=float, help="Draw tokens this share as likely as the likeliest.")
@click.option("--seed", type=int, default=-1, help="Same seed, same tags; -1 (default) draws one.")
@click.option("-n", "--variations", type=int, default=1, help="Completions of each prompt.")
@click.option("--max-tokens", type=int, help="CLIP tokens of a prompt; default: the card's limit.")
@click.option("--size", callback=_size, metavar="WxH", help="Size to tell the tag model.")
@click.option("--rating", callback=_tags, default="", help="Rating to tell the tag model.")
@click.option("--quality", callback=_tags, default="", help="Quality tags to tell the tag model.")
@click.option("--artist", callback=_tags, default="", help="Artist to tell the tag model.")
@click.option("--model", metavar="CARD", help="Card of the checkpoint that the prompts are for.")
@click.option("--tag-model", metavar="CARD|FOLDER|ID", help="Default: the one the card names.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 or mps.")
@click.option("--diff", is_flag=True, help="Show the changes instead of the prompts.")
@click.option("--explain", is_flag=True, help="Say on stderr what was added and refused, and why.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output form."
)
def command(
    inputs: tuple[str, ...],
    temp: float | None,
    length: str | None,
    ban: tuple[str, ...],
    ban_when: tuple[tuple[str, str], ...],
    no_card_bans: bool,
    ban_group: tuple[str, ...],
    allow_group: tuple[str, ...],
    hide: tuple[str, ...],
    top_p: float | None,
    top_k: int | None,
    min_p: float | None,
    seed: int,
    variations: int,
    max_tokens: int | None,
    size: tuple[int, int] | None,
    rating: tuple[str, ...],
    quality: tuple[str, ...],
    artist: tuple[str, ...],
    model: str | None,
    tag_model: str | None,
    device: str,
    diff: bool,
    explain: bool,
    form: str,
) -> int:
    """Complete prompts with a tag model.

    The prompt is kept as it is; tags are added to it where the card wants them. A PATTERN is a
    tag, or a regular expression for a whole tag. A GROUP is artist, character, copyright, meta or
    a group of tags such as hair_color. A FILE holds a prompt a line or records of A1111; they come
    back with negative prompt and settings. `--tag-model tiny` needs no download.

    \b
    Examples:
      tagkit expand "1girl, blue hair" --tag-model tiny
      tagkit expand "1girl" -n 4 --seed 7 --length long --max-tokens 150
      tagkit expand prompts.txt --ban hat --ban ".*weapon.*" --ban-group eyewear
      tagkit expand "1girl, twintails" --ban-when twintails "long hair"
      tagkit expand "1girl, my_trigger" --hide my_trigger --explain
      cat prompts.txt | tagkit expand --tag-model KBlueLeaf/DanTagGen-delta-rev2 --format json
    """
    options = Options(
        temperature=temp,
        length=length,
        ban=ban,
        ban_when=ban_when,
        card_bans=not no_card_bans,
        ban_groups=ban_group,
        allow_groups=allow_group,
        hide=hide,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        max_tokens=max_tokens,
        size=size,
        rating=rating,
        quality=quality,
        artist=artist,
    )
    if temp == 0 and variations > 1:
        click.echo("note: at temperature 0 all variations are the same", err=True)
    choices = Choices(model, tag_model, device, _seeds(seed, variations), diff, explain, form)
    return _complete(named(inputs, "expand"), options, choices)


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


def _complete(inputs: Sequence[str], options: Options, choices: Choices) -> int:
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
