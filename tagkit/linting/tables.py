"""Tables of tag names that rules name in their settings: sorted TSV files beside the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit._version import __version__
from tagkit.compiled import compiled
from tagkit.data import data_folder
from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIRST_ROW = 2


def words(table: str) -> tuple[str, ...]:
    """The names of a table of one column. Raises UserError for a broken table."""
    return tuple(name for _, (name,) in _rows(table, 1))


def replacements(table: str) -> dict[str, str]:
    """The names of a table of names and what to write instead; a last column may be left out."""
    return {row[0]: row[1] if len(row) > 1 else "" for _, row in _rows(table, 1, 2)}


def implications(table: str) -> dict[str, frozenset[str]]:
    """Each child of a table of children and parents, with all that it says, parents of parents too.

    Raises UserError for a broken table, and for names that imply themselves.
    """
    path = data_folder("rules") / table
    try:
        return compiled([path], dict[str, frozenset[str]], lambda: _implied(table), __version__)
    except OSError as error:
        raise _unreadable(path, error) from error


def _implied(table: str) -> dict[str, frozenset[str]]:
    parents: dict[str, list[str]] = {}
    lines: dict[str, int] = {}
    for number, (child, parent) in _rows(table, 2):
        parents.setdefault(child, []).append(parent)
        lines.setdefault(child, number)
    places = {child: f"{table}:{number}" for child, number in lines.items()}
    return {child: frozenset(_ancestors(child, parents, places[child])) for child in parents}


def _ancestors(child: str, parents: dict[str, list[str]], place: str) -> set[str]:
    found: set[str] = set()
    waiting = [*parents[child]]
    while waiting:
        name = waiting.pop()
        if name == child:
            raise UserError(f"`{child}` implies itself", place, "break the circle")
        if name not in found:
            found.add(name)
            waiting += parents.get(name, ())
    return found


def _rows(table: str, *columns: int) -> Iterator[tuple[int, list[str]]]:
    """Rows of a table with one of these numbers of columns, each with its line; no header."""
    path = data_folder("rules") / table
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    for number, line in enumerate(lines[1:], _FIRST_ROW):
        row = line.split("\t")
        if len(row) not in columns or not all(row):
            wanted = " or ".join(map(str, columns))
            raise UserError(f"a row of this table has {wanted} columns", f"{path}:{number}")
        yield number, row


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> UserError:
    return UserError("cannot read a rule's table", f"{path}: {error}")
