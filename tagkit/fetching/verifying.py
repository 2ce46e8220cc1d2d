"""The files of cards held against the hashes that the cards state."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from tagkit.cards.files import stored_file
from tagkit.fetching.pulling import kind_of
from tagkit.infotext.hashes import sha256
from tagkit.settings import folders_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tagkit.cards import Card
    from tagkit.settings import Settings


State: TypeAlias = Literal["right", "wrong", "missing", "not stated"]


class Verdict(msgspec.Struct, frozen=True):
    """What is known of one file of a card; `sha256`: what was found, empty if nothing was."""

    card: str
    file: str
    state: State
    path: Path | None = None
    sha256: str = ""


def verdicts(cards: Iterable[Card], settings: Settings) -> Iterator[Verdict]:
    """Looks for every file of the cards, and hashes what is there. Raises UserError."""
    for card in cards:
        for file in card.files:
            path = stored_file(card, file, folders_of(settings, kind_of(card, file)))
            if path is None:
                yield Verdict(card.name, file.name, "missing")
                continue
            found = sha256(path)
            state: State = "right" if found == file.sha256 else "wrong"
            yield Verdict(card.name, file.name, state if file.sha256 else "not stated", path, found)
