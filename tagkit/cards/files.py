"""Where the files lie that cards name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.cards.loading import detector_cards, image_cards, tag_cards, upscaler_cards
from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.typed_yaml import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tagkit.cards.parts import WeightFile
    from tagkit.cards.types import Card


def all_cards(folders: Sequence[Path] = ()) -> list[Card]:
    """tagkit's own cards of every kind, and those of the user's `folders`, which win."""
    kinds: tuple[Mapping[str, Card], ...] = (
        image_cards(folders),
        tag_cards(folders),
        upscaler_cards(folders),
        detector_cards(folders),
    )
    return [card for cards in kinds for card in cards.values()]


def is_card(name: str, folders: Sequence[Path] = ()) -> bool:
    """Whether there is a card of that name, of whatever kind."""
    return any(card.name == name for card in all_cards(folders))


def cards_named(name: str, folders: Sequence[Path] = ()) -> list[Card]:
    """The cards of that name, one of a kind at the most. Raises UserError if there is none."""
    cards = all_cards(folders)
    found = [card for card in cards if card.name == name]
    if not found:
        names = sorted({card.name for card in cards})
        raise UserError(f"there is no card `{name}`", "", nearest(name, names, "cards"))
    return found


def stored_file(card: Card, file: WeightFile, folders: Sequence[Path]) -> Path | None:
    """Where a file of the card lies: in tagkit itself, or anywhere below `folders`."""
    own = data_folder("models") / card.weights.folder / file.name
    if card.weights.folder and own.is_file():
        return own
    paths = (path for folder in folders for path in (folder / file.name, *folder.rglob(file.name)))
    return next((path for path in paths if path.is_file()), None)
