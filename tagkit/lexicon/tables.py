"""Curated tables: `rules/tags/*.tsv`, one a group, and `rules/tables/aliases.tsv`.

A group's table starts with the line `tag<TAB>origin`. Each further line is a name in canonical
spelling, followed by `<TAB>model` where the word is a model's own vocabulary and no Danbooru tag.

The table of aliases starts with `alias<TAB>name<TAB>kind`. The kind is `spelling` where both are
one name, written in two ways (plural, hyphen, spacing, British and American English, a common
slip), else `other`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.lexicon.names import ALIAS, GROUP, NOTE, SPELLING, compile_names

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "tag\torigin"
ALIAS_HEADER = "alias\tname\tkind"
_MODEL = "\tmodel"
_KINDS = {"spelling": SPELLING, "other": ALIAS}
_FIRST_ROW = 2


def compile_tables(folder: Path) -> bytes:
    """The list of names that a `rules` folder's tables give.

    Raises UserError, naming file and line, for a table that cannot be read, is malformed, or
    contradicts another one.
    """
    group_of = read_tables(folder / "tags")
    aliases = read_aliases(folder / "tables" / "aliases.tsv", group_of)
    members: dict[str, list[str]] = {}
    for name, group in sorted(group_of.items()):
        members.setdefault(group, []).append(name)
    return compile_names(
        [
            *((name, GROUP + group) for name, group in group_of.items()),
            *((alias, record) for alias, record in aliases.items()),
            *((NOTE + group, "\n".join(names)) for group, names in members.items()),
        ]
    )


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


def read_aliases(path: Path, group_of: dict[str, str]) -> dict[str, str]:
    """Read the table of aliases: each to its record; all stand for names of `group_of`.

    Raises UserError, naming file and line, for a malformed row, an alias that is a name itself or
    stands there twice, and a name that no group holds.
    """
    records: dict[str, str] = {}
    for number, line in enumerate(_lines(path, ALIAS_HEADER), _FIRST_ROW):
        alias, _, rest = line.partition("\t")
        name, _, kind = rest.partition("\t")
        place = f"{path}:{number}"
        if not alias or kind not in _KINDS:
            raise UserError("a row is `alias<TAB>name<TAB>spelling` or `…<TAB>other`", place)
        if alias in group_of or alias in records:
            raise UserError(f"`{alias}` is a name or an alias already", place)
        if name not in group_of:
            raise UserError(f"`{name}` is in no group", place)
        records[alias] = _KINDS[kind] + name
    return records


def _names(path: Path) -> list[str]:
    names = [line.removesuffix(_MODEL) for line in _lines(path, HEADER)]
    for number, name in enumerate(names, _FIRST_ROW):
        if not name or "\t" in name:
            raise UserError("a row is `name` or `name<TAB>model`", f"{path}:{number}")
    return names


def _lines(path: Path, header: str) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("cannot read a tag table", f"{path}: {error}") from error
    if not lines or lines[0] != header:
        shown = header.replace("\t", "<TAB>")
        raise UserError(f"a table of this kind starts with `{shown}`", f"{path}:1")
    return lines[1:]


def _repeated(path: Path, names: list[str], group_of: dict[str, str]) -> UserError:
    """The error for the first name that this table or an earlier one holds already."""
    index = next(i for i, name in enumerate(names) if name in group_of or name in names[:i])
    name = names[index]
    table = group_of.get(name, path.stem)
    what = f"the tag `{name}` stands in {table}.tsv already"
    return UserError(what, f"{path}:{index + _FIRST_ROW}")
