"""Which model card and which dialect a prompt is judged by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tagkit.cards import ImageCard, image_card, recorded_card
from tagkit.data import DEFAULT_CARD
from tagkit.infotext import parse_settings

if TYPE_CHECKING:
    from tagkit.documents import Record
    from tagkit.settings import Settings


class Choice(NamedTuple):
    """`card` is None for a model that tagkit does not know; `source` says who named it."""

    name: str
    card: ImageCard | None
    source: str


def choose_card(option: str | None, settings_line: str | None, settings: Settings) -> Choice:
    """`--model`, else the record's model hash or name, else tagkit.yaml, else the default card.

    Raises UserError for a card that the option or tagkit.yaml names and that does not exist.
    """
    if option:
        return Choice(option, named_card(option, settings), "--model")
    recorded = parse_settings(settings_line) if settings_line else {}
    if recorded.get("Model") or recorded.get("Model hash"):
        card = recorded_card(recorded, settings.cards)
        said = recorded.get("Model") or recorded["Model hash"]
        return Choice(card.name if card else said, card, "the record")
    if settings.model:
        return Choice(settings.model, named_card(settings.model, settings), str(settings.path))
    return Choice(DEFAULT_CARD, image_card(DEFAULT_CARD), "default")


def choose_dialect(asked: str, record: Record) -> str:
    """The dialect that was asked for; for `auto` the one that the prompt shows most signs of."""
    if asked != "auto":
        return asked
    from tagkit.prompt.detection import detect_dialect

    return detect_dialect(record.positive).dialect


def named_card(name: str, settings: Settings) -> ImageCard:
    """The card of that name, or the card file at that path. Raises UserError."""
    path = Path(name)
    if path.suffix == ".yaml":
        return image_card(path.stem, (path.parent, *settings.cards))
    return image_card(name, settings.cards)
