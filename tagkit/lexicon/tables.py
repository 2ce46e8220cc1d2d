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
_FIRST_ROW = 2


def read_tables(folder: Path) -> dict[str, str]:
    """Read the tables of a folder: each name to its group, the stem of the file that holds it.

    Raises UserError, naming file and line, for a table that cannot be read, is malformed, or holds
    a name that an earlier row or table holds already.
    """
    group_of: dict[str, str] = {}
    for path in sorted(folder.glob("*.tsv")):
        names = _names(path)
        rows = dict.fromkeys(names, path.stem)
        if len(rows) < len(names) or not group_of.keys().isdisjoint(rows):
            raise _repeated(path, names, group_of)
        group_of.update(rows)
    if not group_of:
        raise UserError("no tag tables found", str(folder), "install tagkit-prompts again")
    return group_of


def _names(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("cannot read a tag table", f"{path}: {error}") from error
    if not lines or lines[0] != HEADER:
        raise UserError("a tag table starts with `tag<TAB>origin`", f"{path}:1")
    names = [line.removesuffix(_MODEL) for line in lines[1:]]
    for number, name in enumerate(names, _FIRST_ROW):
        if not name or "\t" in name:
            raise UserError("a row is `name` or `name<TAB>model`", f"{path}:{number}")
    return names


def _repeated(path: Path, names: list[str], group_of: dict[str, str]) -> UserError:
    """The error for the first name that this table or an earlier one holds already."""
    index = next(i for i, name in enumerate(names) if name in group_of or name in names[:i])
    name = names[index]
    table = group_of.get(name, path.stem)
    what = f"the tag `{name}` stands in {table}.tsv already"
    return UserError(what, f"{path}:{index + _FIRST_ROW}")
