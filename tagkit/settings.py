"""`tagkit.yaml`: the settings of a folder. The nearest file upward counts; nothing is merged."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from tagkit.typed_yaml import read_yaml

FILE = "tagkit.yaml"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: str = ""
    dialect: Literal["a1111", "comfyui", "novelai", "compel", "auto"] = "a1111"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    wildcards: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True):
    """What a `tagkit.yaml` says; its folders are made absolute from where it lies."""

    path: Path | None = None
    model: str = ""
    dialect: str = "a1111"
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    cards: tuple[Path, ...] = ()
    checkpoints: tuple[Path, ...] = ()
    wildcards: tuple[Path, ...] = ()


def find_settings(start: Path) -> Settings:
    """Settings of the nearest `tagkit.yaml` in `start` (a file or folder) or above it."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return read_settings(folder / FILE)
    return Settings()


def read_settings(path: Path) -> Settings:
    """The settings of this file. Raises UserError."""
    file = read_yaml(path, _File)

    def folders(names: tuple[str, ...]) -> tuple[Path, ...]:
        return tuple(path.parent / Path(name).expanduser() for name in names)

    return Settings(
        path,
        file.model,
        file.dialect,
        file.select,
        file.ignore,
        folders(file.cards),
        folders(file.checkpoints),
        folders(file.wildcards),
    )
