"""`tagkit.yaml`: the settings of a folder. The nearest file upward counts; nothing is merged."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from tagkit.data import user_folder
from tagkit.typed_yaml import read_yaml

FILE = "tagkit.yaml"
# Where the files of an installation lie; `styles` may name a file, as A1111's styles.csv.
SEARCHED = (
    "checkpoints",
    "loras",
    "embeddings",
    "vaes",
    "upscalers",
    "detectors",
    "wildcards",
    "styles",
)


class SettingsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `tagkit.yaml` as it is written; folders count from where it lies.

    model: the card to judge by. select, ignore: codes of rules or their beginnings. lexicon: a list
    of tag names, CSV or compiled. rules: packs of rules. cards: folders of model cards. The rest
    are folders to search.
    """

    model: str = ""
    dialect: Literal["a1111", "comfyui", "novelai", "compel", "auto"] = "a1111"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    lexicon: str = ""
    rules: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()
    embeddings: tuple[str, ...] = ()
    vaes: tuple[str, ...] = ()
    upscalers: tuple[str, ...] = ()
    detectors: tuple[str, ...] = ()
    wildcards: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True):
    """What a `tagkit.yaml` says; its folders are made absolute from where it lies."""

    path: Path | None = None
    model: str = ""
    dialect: str = "a1111"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    lexicon: Path | None = None
    rules: tuple[Path, ...] = ()
    cards: tuple[Path, ...] = ()
    checkpoints: tuple[Path, ...] = ()
    loras: tuple[Path, ...] = ()
    embeddings: tuple[Path, ...] = ()
    vaes: tuple[Path, ...] = ()
    upscalers: tuple[Path, ...] = ()
    detectors: tuple[Path, ...] = ()
    wildcards: tuple[Path, ...] = ()
    styles: tuple[Path, ...] = ()


def find_settings(start: Path) -> Settings:
    """Settings of the nearest `tagkit.yaml` in `start` (a file or folder) or above it."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return read_settings(folder / FILE)
    return Settings()


def read_settings(path: Path) -> Settings:
    """The settings of this file. Raises UserError."""
    file = read_yaml(path, SettingsFile)
    folders = {
        key: tuple(path.parent / Path(name).expanduser() for name in getattr(file, key))
        for key in ("rules", "cards", *SEARCHED)
    }
    lexicon = path.parent / Path(file.lexicon).expanduser() if file.lexicon else None
    return Settings(path, file.model, file.dialect, file.select, file.ignore, lexicon, **folders)


def folders_of(settings: Settings, kind: str) -> tuple[Path, ...]:
    """Where files of a kind (`checkpoints`…) are looked for: tagkit.yaml's folders, downloads."""
    named: tuple[Path, ...] = getattr(settings, kind)
    downloads = user_folder() / kind
    return (*named, downloads) if downloads.is_dir() else named


def folder_for(settings: Settings, kind: str) -> Path:
    """Where a fetched file of a kind is put: tagkit.yaml's first folder, else downloads."""
    named: tuple[Path, ...] = getattr(settings, kind)
    return named[0] if named else user_folder() / kind
