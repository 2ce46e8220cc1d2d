"""Tag lists in the form of A1111's tag-autocomplete extension: `name,category,count,"aliases"`.

Count and aliases may be missing, a header line is skipped. Categories are Danbooru's numbers, or
those of e621 where a number occurs that only e621 has.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from tagkit.errors import UserError
from tagkit.lexicon.names import ALIAS, NOTE, compile_names
from tagkit.prompt.names import canonical
from tagkit.typed_yaml import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_DANBOORU = {0: "g", 1: "a", 3: "s", 4: "c", 5: "m"}
# Contributors and lore count as meta, species as general; what is filed as invalid is left out.
_E621 = {0: "g", 1: "a", 2: "m", 3: "s", 4: "c", 5: "g", 6: "", 7: "m", 8: "m"}
_COLUMNS = range(2, 5)
_MOST_BAD_LINES = 5


class _Row(NamedTuple):
    """A line of the list; `posts` is None where it does not say."""

    name: str
    category: int
    posts: int | None
    aliases: tuple[str, ...]


def compile_csv(path: Path) -> bytes:
    """The compiled form of the list at `path`.

    Raises UserError for a file that cannot be read, holds no name, or has lines of another form;
    the first of them are named.
    """
    rows = _rows(read_text(path), path)
    is_e621 = any(row.category not in _DANBOORU for row in rows)
    names = _names(rows, _E621 if is_e621 else _DANBOORU)
    if not names:
        raise UserError(f"`{path}` holds no names", "", 'a line is `name,category,count,"aliases"`')
    aliases = _aliases(rows, names)
    notes = {"source": path.name, "names": f"{len(names)}", "aliases": f"{len(aliases)}"}
    return compile_names(
        [*names.items(), *aliases.items(), *((NOTE + key, text) for key, text in notes.items())]
    )


def _rows(text: str, path: Path) -> list[_Row]:
    rows, bad = [], []
    for number, cells in _cells(text):
        row = _row(cells)
        if row:
            rows.append(row)
        elif number > 1 or not _is_header(cells):
            bad.append(f"{path}:{number}")
    if bad:
        what = f"{len(bad):,} lines of `{path}` are no line of a tag list"
        raise UserError(
            what if len(bad) > 1 else f"a line of `{path}` is no line of a tag list",
            "\n".join(bad[:_MOST_BAD_LINES]),
            'a line is `name,category,count,"alias,alias"`; the category is a number from 0 to 8',
        )
    return rows


def _cells(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that is not blank with its number; one that is no CSV comes without cells."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = [""]
        if cells:
            yield number, cells


def _is_header(cells: Sequence[str]) -> bool:
    return len(cells) in _COLUMNS and not any(cell.strip().isdigit() for cell in cells)


def _row(cells: Sequence[str]) -> _Row | None:
    """The line as a row; None when it is none."""
    if len(cells) not in _COLUMNS:
        return None
    name, category, count, aliases = (*map(str.strip, cells), "", "")[:4]
    is_count = count == "" or (count.isascii() and count.isdigit())
    if category not in "012345678" or len(category) != 1 or not is_count:
        return None
    known = canonical(name)
    if not known or not known.isprintable():
        return None
    others = (canonical(each) for each in aliases.split(","))
    return _Row(known, int(category), int(count) if count else None, tuple(filter(None, others)))


def _names(rows: Sequence[_Row], letters: dict[int, str]) -> dict[str, str]:
    """Each name with its record; of a name that stands there twice the one with more posts."""
    names: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.posts or 0):
        if letter := letters[row.category]:
            names[row.name] = letter + ("" if row.posts is None else str(row.posts))
    return names


def _aliases(rows: Sequence[_Row], names: dict[str, str]) -> dict[str, str]:
    """Each alias with its record; what is a name, or stands for several, is none."""
    targets: dict[str, set[str]] = {}
    for row in rows:
        if row.name in names:
            for alias in row.aliases:
                targets.setdefault(alias, set()).add(row.name)
    return {
        alias: ALIAS + of.pop()
        for alias, of in targets.items()
        if len(of) == 1 and alias not in names and alias.isprintable()
    }
