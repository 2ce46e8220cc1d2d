"""`tagkit models`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagkit.cards.files import all_cards, cards_named
from tagkit.commands.shared import EXIT_FAILED, EXIT_FOUND
from tagkit.errors import UserError
from tagkit.reporting.pages import card_page
from tagkit.settings import SEARCHED, find_settings

if TYPE_CHECKING:
    from tagkit.fetching.addresses import Kind
    from tagkit.settings import Settings

# Of the folders of tagkit.yaml, those that hold models.
_KINDS = tuple(kind for kind in SEARCHED if kind not in ("wildcards", "styles"))


@click.group(name="models", short_help="List, fetch and check models.", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List, fetch and check what cards describe: image and tag models, upscalers, detectors.

    \b
    Examples:
      tagkit models
      tagkit models show baxl-v3
      tagkit models pull anime-face
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models)


@command.command(name="list")
def list_models() -> None:
    """List every card, those of your own folders too: name, kind, title."""
    for card in all_cards(_settings().cards):
        click.echo(f"{card.name:24} {card.card:9} {card.title}")


@command.command(name="show")
@click.argument("name")
def show(name: str) -> None:
    """Show everything that tagkit knows of a model.

    \b
    Example:
      tagkit models show baxl-v3
    """
    click.echo(card_page(name, _settings().cards))


@command.command(name="pull")
@click.argument("names", nargs=-1, required=True, metavar="CARD|URL|ID...")
@click.option("--kind", type=click.Choice(_KINDS), help="What a URL or id is; else it is guessed.")
@click.option("--sha256", default="", help="What the SHA-256 of the file must be.")
def pull(names: tuple[str, ...], kind: Kind | None, sha256: str) -> None:
    """Fetch model files: the files of a card, a URL, or a file on Hugging Face.

    An ID is owner/repository/file@revision. Files go to the first folder of their kind in
    tagkit.yaml, else to tagkit's own data folder. What was stopped goes on where it was; a file
    appears only whole, with the SHA-256 that the card, the server or you state. HF_TOKEN and
    CIVITAI_TOKEN log in, HF_ENDPOINT names a mirror, HTTPS_PROXY a proxy.

    \b
    Examples:
      tagkit models pull anime-face dat-x2
      tagkit models pull deepghs/anime_face_detection/face_detect_v1.4_n/model.onnx
      tagkit models pull "https://civitai.com/models/212253?modelVersionId=426588"
    """
    from tagkit.commands.pulling import pull_all

    if not pull_all(names, kind, sha256.lower(), _settings()):
        raise SystemExit(EXIT_FAILED)


@command.command(name="verify")
@click.argument("names", nargs=-1, metavar="[CARD]...")
def verify(names: tuple[str, ...]) -> None:
    """Hold the files of cards, all cards by default, against the SHA-256 that the cards state.

    The exit status is 1 if one is wrong.

    \b
    Examples:
      tagkit models verify
      tagkit models verify anime-face
    """
    from tagkit.fetching.verifying import verdicts

    settings, wrong = _settings(), False
    named = [card for name in names for card in cards_named(name, settings.cards)]
    for each in verdicts(named if names else all_cards(settings.cards), settings):
        if names or each.path:
            click.echo(f"{each.state:10}  {each.card}: {each.path or each.file}")
        if each.state == "wrong":
            click.echo(f"{'':10}  its SHA-256 is {each.sha256}")
        wrong |= each.state == "wrong"
    if wrong:
        raise SystemExit(EXIT_FOUND)


@command.command(name="new")
@click.argument("name")
@click.option(
    "--extends", required=True, metavar="CARD", help="The card whose advice holds for it."
)
@click.option(
    "--checkpoint",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The model file.",
)
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for the card."
)
def new(name: str, extends: str, checkpoint: Path, output: Path | None) -> None:
    """Make a card for a file of your own, such as a merge.

    It holds the file's SHA-256 and what the file says of itself; everything else is that of the
    card it extends. It goes to the first folder of `cards` in tagkit.yaml.

    \b
    Example:
      tagkit models new my-merge --extends baxl-v3 --checkpoint my-merge.safetensors
    """
    from tagkit.cards.making import new_card
    from tagkit.data import write_atomically

    settings = _settings()
    folder = output or next(iter(settings.cards), None)
    if folder is None:
        hint = "write `cards: [cards]` into it, or give --output"
        raise UserError("tagkit.yaml names no folder of cards", "", hint)
    path = folder / f"{name}.yaml"
    text = new_card(name, extends, checkpoint, settings.cards)
    if path.exists():
        raise UserError(f"there is a card `{path}` already", "", "choose another name")
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise UserError(f"cannot write `{path}`", error.strerror or str(error)) from error
    click.echo(path)


def _settings() -> Settings:
    return find_settings(Path.cwd())
