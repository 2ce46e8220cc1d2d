"""Looking tag names up."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from tagkit.errors import UserError
from tagkit.lexicon.names import Names
from tagkit.lexicon.tables import read_tables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
    """Known tag names: curated ones with their group, and the long lists of names behind them.

    group_of: curated name to group; such an entry wins over one of the long lists.
    """

    def __init__(self, group_of: Mapping[str, str], names: Names) -> None:
        self._group_of = group_of
        self._names = names

    def find(self, name: str) -> Entry | None:
        """Look a canonical name up; None when it is unknown."""
        if group := self.group(name):
            return Entry(name, "meta" if group in _META_GROUPS else "general", group)
        category = self._names.category(name)
        return Entry(name, category, "") if category else None

    def group(self, name: str) -> str:
        """Return the curated group of a canonical name, "" when it has none."""
        return self._group_of.get(name, "")

    def groups(self) -> tuple[str, ...]:
        """Return the names of all curated groups, sorted."""
        return tuple(self._members)

    def members(self, group: str) -> tuple[str, ...]:
        """Return the names of a group, sorted. Raises UserError when there is no such group."""
        if group not in self._members:
            raise UserError(f"no tag group is called `{group}`", hint=self._nearest(group))
        return self._members[group]

    @cached_property
    def _members(self) -> dict[str, tuple[str, ...]]:
        members: dict[str, list[str]] = {group: [] for group in sorted({*self._group_of.values()})}
        for name in sorted(self._group_of):
            members[self._group_of[name]].append(name)
        return {group: tuple(names) for group, names in members.items()}

    def _nearest(self, group: str) -> str:
        import difflib

        near = difflib.get_close_matches(group, self.groups())
        if near:
            return f"did you mean {', '.join(near)}?"
        return f"the groups are {', '.join(self.groups())}"


def open_lexicon(folder: Path) -> Lexicon:
    """Open the lexicon of a `rules` folder: its `tags/*.tsv` and `names.marisa`.

    Raises UserError when a table or the name list is missing or malformed.
    """
    return Lexicon(read_tables(folder / "tags"), Names(folder / "names.marisa"))
