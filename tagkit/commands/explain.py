"""`tagkit explain`."""

from __future__ import annotations

from pathlib import Path

import click

from tagkit.cards.files import is_card
from tagkit.commands.packs import known_rules, pack_option
from tagkit.packs import find_rule
from tagkit.reporting.pages import card_page, rule_page
from tagkit.settings import find_settings


@click.command(name="explain", short_help="Show the page of a rule or of a model card.")
@click.argument("name", metavar="CODE_OR_NAME")
@pack_option
def command(name: str, rules: tuple[Path, ...]) -> None:
    """Show the page of a rule or of a model card.

    Rules and cards of your own come from tagkit.yaml, rules from --rules too.

    \b
    Examples:
      tagkit explain ORD101
      tagkit explain tag-order
      tagkit explain baxl-v3
    """
    settings = find_settings(Path())
    if is_card(name, settings.cards):
        click.echo(card_page(name, settings.cards))
    else:
        click.echo(rule_page(find_rule(name, known_rules((*settings.rules, *rules)))))
