"""`tagkit lexicon`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from tagkit.cards import ImageCard
from tagkit.commands.choosing import choose_card
from tagkit.commands.shared import EXIT_DONE, EXIT_FOUND
from tagkit.data import write_atomically
from tagkit.errors import UserError
from tagkit.lexicon import lexicon_for
from tagkit.linting import Knowledge
from tagkit.linting.fitting import IMPLICATIONS
from tagkit.linting.tables import implications
from tagkit.settings import find_settings

if TYPE_CHECKING:
    from tagkit.lexicon import Lexicon
    from tagkit.lexicon.names import Names

_form = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="Output form."
)


@click.group(name="lexicon", short_help="Look tag names up, import a tag list.")
def command() -> None:
    """Look tag names up, import a tag list.

    \b
    Examples:
      tagkit lexicon lookup "thigh highs" "hatsune miku"
      tagkit lexicon import danbooru.csv
      tagkit lexicon info
    """


@command.command(name="lookup")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--model", metavar="CARD", help="Card of the checkpoint to judge by.")
@_form
def lookup(names: tuple[str, ...], model: str | None, form: str) -> int:
    """Show what is known of tags, and what the card makes of them.

    Category and group, aliases, implications, and the number of posts where an imported list says
    it. The exit status is 1 when a name is unknown; the nearest ones are shown.

    \b
    Examples:
      tagkit lexicon lookup "long hair"
      tagkit lexicon lookup thigh_highs "cat ear" --model animagine-xl-4.0 --format json
    """
    from tagkit.reporting.name_page import as_text, name_page

    settings = find_settings(Path())
    choice = choose_card(model, None, settings)
    card = choice.card or ImageCard(card="image", name=choice.name)
    knowledge = Knowledge(card, lexicon_for(settings.lexicon))
    implied = implications(IMPLICATIONS)
    pages = [name_page(name, knowledge, implied) for name in names]
    if form == "json":
        _print_json({"version": 1, "model": card.name, "names": pages})
    else:
        click.echo("\n\n".join(as_text(page, card.name) for page in pages))
    return EXIT_DONE if all(page.known for page in pages) else EXIT_FOUND


@command.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Compile it into this file instead."
)
def import_list(file: Path, output: Path | None) -> None:
    """Import a tag list, in the form of A1111's tag-autocomplete extension.

    A line is `name,category,count,"alias,alias"`; count and aliases may be missing. From then on
    its names win over tagkit's own long lists in every command. Another import replaces it. For a
    list of one project, name the CSV or a compiled list (-o) as `lexicon` in its tagkit.yaml.

    \b
    Examples:
      tagkit lexicon import danbooru.csv
      tagkit lexicon import e621.csv -o e621.marisa
    """
    from tagkit.lexicon.importing import compile_csv
    from tagkit.lexicon.names import Names
    from tagkit.lexicon.own import SUFFIX, imported_list

    if output and output.suffix != SUFFIX:
        raise UserError(f"`{output}` is no name of a compiled list", "", f"end it in {SUFFIX}")
    target = output or imported_list()
    write_atomically(target, compile_csv(file))
    own = Names(target)
    names, aliases = int(own.note("names")), int(own.note("aliases"))
    click.echo(f"{names:,} names and {aliases:,} aliases of {file} in {target}")


@command.command(name="info")
@_form
def info(form: str) -> None:
    """Show the lists that names are looked up in: size, source, licence.

    \b
    Examples:
      tagkit lexicon info
      tagkit lexicon info --format json
    """
    lists = _lists(lexicon_for(find_settings(Path()).lexicon))
    if form == "json":
        _print_json({"version": 1, "lists": lists})
        return
    for each in lists:
        click.echo(_line(each))
        for key, text in (("source", each.source), ("licence", each.licence), ("file", each.path)):
            if text:
                click.echo(f"  {key:8} {text}")


class ListInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """A list that names are looked up in."""

    list: str
    names: int
    source: str
    path: str
    licence: str = ""
    groups: int = 0
    aliases: int = 0
    implications: int = 0


def _lists(lexicon: Lexicon) -> list[ListInfo]:
    """The lists of a lexicon, the one that wins first."""
    groups = lexicon.groups()
    curated = ListInfo(
        "curated",
        sum(len(lexicon.members(group)) for group in groups),
        "tables written for tagkit",
        str(lexicon.tags.path),
        "Apache-2.0",
        len(groups),
        sum(1 for _ in lexicon.tags.aliases()),
        sum(map(len, implications(IMPLICATIONS).values())),
    )
    long = ListInfo(
        "long lists",
        len(lexicon.names),
        "artists, characters, series and meta tags of KGen (PyPI tipo-kgen)",
        str(lexicon.names.path),
        "Apache-2.0",
    )
    return [curated, *([_own_list(lexicon.own)] if lexicon.own else []), long]


def _own_list(own: Names) -> ListInfo:
    names, aliases = int(own.note("names")), int(own.note("aliases"))
    return ListInfo("yours", names, own.note("source"), str(own.path), aliases=aliases)


def _line(each: ListInfo) -> str:
    counts = {"groups": each.groups, "aliases": each.aliases, "implications": each.implications}
    more = "".join(f", {count:,} {what}" for what, count in counts.items() if count)
    return f"{each.list}: {each.names:,} names{more}"


def _print_json(document: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
