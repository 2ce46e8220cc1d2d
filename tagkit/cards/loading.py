"""Cards found, read and laid over the cards that they extend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tagkit._version import __version__
from tagkit.cards.types import DetectorCard, ImageCard, TagCard, UpscalerCard
from tagkit.compiled import compiled
from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.typed_yaml import nearest, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

C = TypeVar("C", ImageCard, TagCard, UpscalerCard, DetectorCard)


def image_card(name: str, folders: Sequence[Path] = ()) -> ImageCard:
    """The image card `name`, from the user's `folders`, else tagkit's own. Raises UserError."""
    return _card(name, ImageCard, "image", folders)


def tag_card(name: str, folders: Sequence[Path] = ()) -> TagCard:
    """The tag card `name`, from the user's `folders`, else tagkit's own. Raises UserError."""
    return _card(name, TagCard, "tag", folders)


def upscaler_card(name: str, folders: Sequence[Path] = ()) -> UpscalerCard:
    """The upscaler card `name`, from the user's `folders`, else tagkit's own. Raises UserError."""
    return _card(name, UpscalerCard, "upscaler", folders)


def detector_card(name: str, folders: Sequence[Path] = ()) -> DetectorCard:
    """The detector card `name`, from the user's `folders`, else tagkit's own. Raises UserError."""
    return _card(name, DetectorCard, "detector", folders)


def image_cards(folders: Sequence[Path] = ()) -> dict[str, ImageCard]:
    """tagkit's own image cards by name, and those of the user's `folders`, which win."""
    return _shipped(ImageCard, "image") | _own(ImageCard, "image", folders)


def tag_cards(folders: Sequence[Path] = ()) -> dict[str, TagCard]:
    """tagkit's own tag cards by name, and those of the user's `folders`, which win."""
    return _shipped(TagCard, "tag") | _own(TagCard, "tag", folders)


def upscaler_cards(folders: Sequence[Path] = ()) -> dict[str, UpscalerCard]:
    """tagkit's own upscaler cards by name, and those of the user's `folders`, which win."""
    return _shipped(UpscalerCard, "upscaler") | _own(UpscalerCard, "upscaler", folders)


def detector_cards(folders: Sequence[Path] = ()) -> dict[str, DetectorCard]:
    """tagkit's own detector cards by name, and those of the user's `folders`, which win."""
    return _shipped(DetectorCard, "detector") | _own(DetectorCard, "detector", folders)


def recorded_card(settings: Mapping[str, str], folders: Sequence[Path] = ()) -> ImageCard | None:
    """The card of the model that a record's settings name by hash or name, if there is one."""
    model, digest = settings.get("Model", "").lower(), settings.get("Model hash", "").lower()
    for card in image_cards(folders).values():
        names = {card.name, *(alias.lower() for alias in card.aliases)}
        digests = {file.sha256[: len(digest)] for file in card.files if file.sha256 and digest}
        if model in names or digest in digests:
            return card
    return None


def _card(name: str, type_: type[C], kind: str, folders: Sequence[Path]) -> C:
    for folder in folders:
        if (folder / f"{name}.yaml").is_file():
            return _read(folder / f"{name}.yaml", type_, kind, folders)
    known: dict[str, C] = _shipped(type_, kind)
    if name not in known:
        names = [*known, *(path.stem for path in _files(kind, folders))]
        raise UserError(f"there is no {kind} card `{name}`", "", nearest(name, names, "cards"))
    return known[name]


def _shipped(type_: type[C], kind: str) -> dict[str, C]:
    paths = sorted((data_folder("models") / kind).glob("*.yaml"))

    def make() -> dict[str, C]:
        return {path.stem: _read(path, type_, kind, ()) for path in paths}

    return compiled(paths, dict[str, type_], make, __version__)  # type: ignore[valid-type]


def _own(type_: type[C], kind: str, folders: Sequence[Path]) -> dict[str, C]:
    """The cards of the user's folders; an earlier folder wins."""
    paths = {path.stem: path for path in reversed([*_files(kind, folders)])}
    return {name: _read(path, type_, kind, folders) for name, path in sorted(paths.items())}


def _files(kind: str, folders: Sequence[Path]) -> Iterator[Path]:
    """The user's card files of this kind."""
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            if read_yaml(path, dict[str, Any]).get("card") == kind:
                yield path


def _read(path: Path, type_: type[C], kind: str, folders: Sequence[Path]) -> C:
    return msgspec.convert(_merged(path, type_, kind, folders), type_)


def _merged(
    path: Path, type_: type[C], kind: str, folders: Sequence[Path], seen: tuple[Path, ...] = ()
) -> dict[str, Any]:
    """The card's mapping laid over the mapping of the card that it extends."""
    if path in seen:
        raise UserError(f"card `{path.stem}` extends itself", str(path), "break the circle")
    read_yaml(path, type_)
    own = read_yaml(path, dict[str, Any])
    if own["card"] != kind or own["name"] != path.stem:
        wanted = f"card: {kind}, name: {path.stem}"
        raise UserError(f"card `{path.stem}` names itself wrongly", str(path), f"write `{wanted}`")
    if "extends" not in own:
        return own
    parent = _parent(own["extends"], kind, path, folders)
    return laid_over(_merged(parent, type_, kind, folders, (*seen, path)), own)


def _parent(name: str, kind: str, child: Path, folders: Sequence[Path]) -> Path:
    for folder in (*folders, data_folder("models") / kind):
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise UserError(f"card `{child.stem}` extends `{name}`, which does not exist", str(child))


def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Mappings merge, everything else replaces; an empty mapping clears what was inherited."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and value:
            value = laid_over(old, value)
        merged[key] = value
    return merged
