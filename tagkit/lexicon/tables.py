"""Curated tag tables: one TSV file a group, under `rules/tags/`.

A table starts with the line `tag<TAB>origin`. Each further line is a name in canonical spelling,
followed by `<TAB>model` where the word is a model's own vocabulary and no Danbooru tag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "tag\torigin"
_MODEL = "\tmodel"


def read_tables(folder: Path) -> dict[str, tuple[str, ...]]:
    """Read the tables of a folder: each group, the stem of its file, to its names as they stand.

    Raises UserError, naming file and line, for a table that cannot be read, is malformed, or holds
    a name that an earlier line or table holds already.
    """
    tables = {path.stem: _names(path) for path in sorted(folder.glob("*.tsv"))}
    if not tables:
        raise UserError("no tag tables found", str(folder), "install tagkit-prompts again")
    distinct = {name for names in tables.values() for name in names}
    if len(distinct) < sum(map(len, tables.values())):
        raise _repetition(folder, tables)
    return tables


def _names(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("cannot read a tag table", f"{path}: {error}") from error
    if not lines or lines[0] != HEADER:
        raise UserError("a tag table starts with `tag<TAB>origin`", f"{path}:1")
    names = tuple(line.removesuffix(_MODEL) for line in lines[1:])
    for number, name in enumerate(names, start=2):
        if not name or "\t" in name:
            raise UserError("a row is `name` or `name<TAB>model`", f"{path}:{number}")
    return names


def _repetition(folder: Path, tables: dict[str, tuple[str, ...]]) -> UserError:
    """Find the first name that stands twice; only looked for once it is known to be there."""
    first: dict[str, str] = {}
    for group, names in tables.items():
        for number, name in enumerate(names, start=2):
            here = f"{folder / group}.tsv:{number}"
            if name in first:
                return UserError(f"the tag `{name}` stands in two places", f"{first[name]}\n{here}")
            first[name] = here
    raise AssertionError("unreachable: no name stands twice")
