"""`tagkit models`."""

from __future__ import annotations

import click

from tagkit.cards import image_cards, tag_cards
from tagkit.reporting.pages import card_page


@click.group(name="models", short_help="List and show model cards.", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List and show the cards of image models and tag models.

    \b
    Examples:
      tagkit models
      tagkit models show baxl-v3
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_models)


@command.command(name="list")
def list_models() -> None:
    """List every card: name, kind, title."""
    for kind, cards in (("image", image_cards()), ("tag", tag_cards())):
        for card in cards.values():
            click.echo(f"{card.name:24} {kind:6} {card.title}")


@command.command(name="show")
@click.argument("name")
def show(name: str) -> None:
    """Show everything that tagkit knows of a model.

    \b
    Example:
      tagkit models show baxl-v3
    """
    click.echo(card_page(name))
