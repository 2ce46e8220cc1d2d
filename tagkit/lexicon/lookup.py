"""Looking tag names up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tagkit.errors import UserError
from tagkit.lexicon.names import Names
from tagkit.lexicon.tables import read_tables

# Danbooru files meta tags apart from general ones; the words of rating, year and quality that
# models are trained with stand beside them in captions and count as meta too.
_META_GROUPS = frozenset({"meta", "quality", "rating", "year"})


class Entry(msgspec.Struct, frozen=True):
    """What is known of a name.

    name:     canonical spelling: lower case, spaces, no escapes.
    category: Danbooru's: general, artist, character, copyright or meta.
    group:    the curated table that holds it, as `hair_color`; "" for a name of the long lists.
    """

    name: str
    category: str
    group: str


class Lexicon:
    """Known tag names. A curated entry wins over one of the long lists."""

    __slots__ = ("_group_of", "_names", "_tables")

    def __init__(self, tables: Mapping[str, tuple[str, ...]], names: Names) -> None:
        self._tables = tables
        self._group_of = {name: group for group, members in tables.items() for name in members}
        self._names = names

    def find(self, name: str) -> Entry | None:
        """Look a canonical name up; None when it is unknown."""
        group = self.group(name)
        if group:
            return Entry(name, "meta" if group in _META_GROUPS else "general", group)
        category = self._names.category(name)
        return Entry(name, category, "") if category else None

    def group(self, name: str) -> str:
        """Return the curated group of a canonical name, "" when it has none."""
        return self._group_of.get(name, "")

    def groups(self) -> tuple[str, ...]:
        """Return the names of all curated groups, sorted."""
        return tuple(sorted(self._tables))

    def members(self, group: str) -> tuple[str, ...]:
        """Return the names of a group, sorted. Raises UserError when there is no such group."""
        try:
            return self._tables[group]
        except KeyError:
            raise UserError(
                f"no tag group is called `{group}`", hint=self._nearest(group)
            ) from None

    def _nearest(self, group: str) -> str:
        import difflib

        near = difflib.get_close_matches(group, self.groups(), n=3) or self.groups()
        return "did you mean " + ", ".join(near) + "?"


def open_lexicon(folder: Path) -> Lexicon:
    """Open the lexicon of a `rules` folder: its `tags/*.tsv` and `names.marisa`.

    Raises UserError when a table or the name list is missing or malformed.
    """
    return Lexicon(read_tables(folder / "tags"), Names(folder / "names.marisa"))
