"""The folders of wildcard files and the names they give."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tagkit.errors import UserError
from tagkit.prompt.templates.files import STRUCTURED, Value, read_lines, read_structured
from tagkit.prompt.templates.tree import Options, options
from tagkit.typed_yaml import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A text file, read when it is wanted, or values that are read already.
_Source: TypeAlias = "Path | tuple[Value, ...]"
_NO_FOLDERS = "name the folders of your wildcard files under `wildcards:` in tagkit.yaml"


class Wildcards:
    """Wildcards of some folders, each read when it is first asked for and kept from then on.

    `hair/long.txt` is `hair/long`; the key `long` in `hair/any.yaml` is the same name, and both
    together are its values. A name in an earlier folder hides the same name in a later one.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self._folders = tuple(folders)
        self._pools: dict[str, Options[Value] | None] = {}

    def names(self) -> tuple[str, ...]:
        """All names, sorted. Raises UserError for a folder or file that cannot be read."""
        return tuple(sorted(self._sources))

    def values(self, name: str) -> tuple[Value, ...]:
        """Values of a name or of all names that a pattern (`hair/*`) matches; `*` crosses folders.

        A name that is not there is looked for in every subfolder. Each text comes once, those of
        weight 0 never. Raises UserError naming the wildcard if there is none.
        """
        pool = self.find(name)
        if pool is None or not pool.items:
            raise self.failure(name)
        return pool.items

    def find(self, name: str) -> Options[Value] | None:
        """The values ready to be chosen from, perhaps none; None if there is no such wildcard."""
        if name not in self._pools:
            self._pools[name] = self._pool(name)
        return self._pools[name]

    def failure(self, name: str, where: str = "") -> UserError:
        """What to raise for a name without values that is used at `where`."""
        if self.find(name) is not None:
            return UserError(f"the wildcard `__{name}__` has no values", where)
        names = list(self.names())
        hint = nearest(name, names, "wildcards") if names else _NO_FOLDERS
        return UserError(f"there is no wildcard `__{name}__`", where, hint)

    def _pool(self, name: str) -> Options[Value] | None:
        found = self._matching(name) or self._matching(f"**/{name}")
        if not found:
            return None
        distinct: dict[str, Value] = {}
        for source in (source for each in found for source in self._sources[each]):
            for value in read_lines(source) if isinstance(source, Path) else source:
                distinct.setdefault(value.text, value)
        return options((value, value.weight) for value in distinct.values())

    def _matching(self, pattern: str) -> list[str]:
        if "*" not in pattern:
            return [pattern] if pattern in self._sources else []
        pattern = pattern.replace("[", "[[]").replace("?", "[?]")
        return [name for name in self.names() if fnmatchcase(name, pattern)]

    @cached_property
    def _sources(self) -> dict[str, list[_Source]]:
        sources: dict[str, list[_Source]] = {}
        for folder in self._folders:
            for name, of_folder in _sources_in(folder).items():
                sources.setdefault(name, of_folder)
        return sources


def _sources_in(folder: Path) -> dict[str, list[_Source]]:
    sources: dict[str, list[_Source]] = {}
    for path in _files(folder):
        below = path.relative_to(folder)
        if path.suffix.lower() == ".txt":
            name = below.with_suffix("").as_posix()
            sources.setdefault(name, []).append(path)
        elif path.suffix.lower() in STRUCTURED:
            prefix = "".join(f"{part}/" for part in below.parent.parts)
            for key, values in read_structured(path).items():
                sources.setdefault(prefix + key, []).append(values)
    return sources


def _files(folder: Path) -> Iterator[Path]:
    """Files below a folder in order of their paths; hidden folders and ways out are left."""
    if not folder.is_dir():
        raise UserError(f"there is no wildcard folder `{folder}`")
    inside = folder.resolve()
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file() and path.resolve().is_relative_to(inside):
                yield path
