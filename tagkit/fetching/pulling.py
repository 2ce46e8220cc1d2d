"""What `tagkit models pull` does: from a name to files in their folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.cards.files import cards_named, stored_file
from tagkit.errors import UserError
from tagkit.fetching.addresses import Kind, Remote, is_address, located, of_card
from tagkit.fetching.download import download
from tagkit.infotext.hashes import sha256
from tagkit.settings import folder_for, folders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import requests

    from tagkit.cards import Card, WeightFile
    from tagkit.fetching.download import Watch
    from tagkit.fetching.hosts import Hosts
    from tagkit.settings import Settings

_KINDS: Mapping[str, Kind] = {
    "image": "checkpoints",
    "upscaler": "upscalers",
    "detector": "detectors",
}


class Puller:
    """Fetches what is named into the folders of the settings; `wait` sleeps so many seconds."""

    def __init__(
        self,
        settings: Settings,
        hosts: Hosts,
        session: requests.Session,
        wait: Callable[[float], None],
    ) -> None:
        self._settings = settings
        self._hosts = hosts
        self._session = session
        self._wait = wait

    def remotes(self, name: str, kind: Kind | None = None, digest: str = "") -> list[Remote]:
        """The files that a card, URL or Hugging Face id stands for; of a card, those not here yet.

        kind, digest: what sort of file, and its SHA-256, where the address does not say. Raises
        UserError.
        """
        if is_address(name):
            return [located(name, kind, digest, self._hosts, self._session)]
        cards = cards_named(name, self._settings.cards)
        files = [(card, file) for card in cards if card.card in _KINDS for file in card.files]
        if not files:
            raise UserError(f"card `{name}` names no file to fetch", "", "it works as it is")
        return [remote for card, file in files for remote in self._missing(card, file)]

    def fetch(self, remote: Remote, watch: Watch) -> Path:
        """Fetches the file, unless it is there, and returns its path. Raises UserError."""
        folder = folder_for(self._settings, remote.kind)
        path = folder / remote.name
        if not path.exists():
            return download(remote, folder, self._hosts, self._session, watch, self._wait)
        if remote.sha256 and sha256(path) == remote.sha256:
            return path
        hint = "move it away to fetch it anew"
        raise UserError(f"there is a file of that name already: `{path}`", "", hint)

    def _missing(self, card: Card, file: WeightFile) -> Iterator[Remote]:
        kind = kind_of(card, file)
        path = stored_file(card, file, folders_of(self._settings, kind))
        if path and (not file.sha256 or sha256(path) == file.sha256):
            return
        if not file.url:
            hint = f"find it yourself, then: tagkit models pull URL --kind {kind}"
            raise UserError(f"card `{card.name}` has no address of its file", file.source, hint)
        yield of_card(file.url, file.name, kind, file.sha256, self._hosts, self._session)


def kind_of(card: Card, file: WeightFile) -> Kind:
    """The kind of folder that a file of a card belongs in."""
    return "vaes" if file.role == "vae" else _KINDS.get(card.card, "checkpoints")
