"""`tagkit expand`."""

from __future__ import annotations

import re
from secrets import randbelow

import click

from tagkit.commands.expanding import Choices, complete
from tagkit.commands.inputs import named
from tagkit.errors import UserError
from tagkit.expansion import Options
from tagkit.expansion.expander import SEEDS

_SIZE = re.compile(r"(\d+)\s*[x×]\s*(\d+)", re.IGNORECASE)


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
    return complete(named(inputs, "expand"), options, choices)
