"""`tagkit explain`."""

from __future__ import annotations

import click

from tagkit.cards import image_cards, tag_cards
from tagkit.packs import find_rule, shipped_rules
from tagkit.reporting.pages import card_page, rule_page


@click.command(name="explain", short_help="Show the page of a rule or of a model card.")
@click.argument("name", metavar="CODE_OR_NAME")
def command(name: str) -> None:
    """Show the page of a rule or of a model card.

    \b
    Examples:
      tagkit explain ORD101
      tagkit explain tag-order
      tagkit explain baxl-v3
    """
    if name in image_cards() or name in tag_cards():
        click.echo(card_page(name))
    else:
        click.echo(rule_page(find_rule(name, shipped_rules())))
