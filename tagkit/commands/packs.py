"""The rules that a command knows: tagkit's own and those of packs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagkit.packs import shipped_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tagkit.packs import Rule

pack_option: Callable[[Any], Any] = click.option(
    "--rules",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PACK",
    help="A YAML file of rules of your own, or a folder of them; repeatable.",
)


def known_rules(packs: Sequence[Path]) -> tuple[Rule, ...]:
    """tagkit's own rules and those of these packs. Raises UserError for a broken pack."""
    if not packs:
        return shipped_rules()
    from tagkit.linting.own_rules import all_rules

    return all_rules(packs)
