"""Looking tag names up."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import msgspec

from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.lexicon.names import Alias, Names

if TYPE_CHECKING:
    from pathlib import Path

# Danbooru files meta tags apart from general ones; the words of rating, year and quality that
# models are trained with stand beside them in captions and count as meta too.
_META_GROUPS = frozenset({"meta", "quality", "rating", "year"})


class Entry(msgspec.Struct, frozen=True):
    """What is known of a name.

    name:     canonical spelling: lower case, spaces, no escapes.
    category: Danbooru's: general, artist, character, copyright or meta.
    group:    the curated table that holds it, as `hair_color`; "" for a name of the long lists.
    posts:    pictures on Danbooru that bear it, where the user's own list says so.
    """

    name: str
    category: str
    group: str
    posts: int | None = None


class Lexicon:
    """Known tag names.

    tags: the curated names with their groups, and aliases of them; they win over all else.
    names: the long lists. own: the user's own list, which wins over the long ones.
    """

    def __init__(self, tags: Names, names: Names, own: Names | None = None) -> None:
        self.tags = tags
        self.names = names
        self.own = own
        self.nearest = lru_cache(maxsize=1 << 12)(self._nearest)
        self._group = lru_cache(maxsize=1 << 16)(tags.group)

    def find(self, name: str) -> Entry | None:
        """Look a canonical name up; None when it is unknown or only an alias."""
        if group := self.group(name):
            category = "meta" if group in _META_GROUPS else "general"
            return Entry(name, category, group, self.own.posts(name) if self.own else None)
        if self.own and (category := self.own.category(name)):
            return Entry(name, category, "", self.own.posts(name))
        category = self.names.category(name)
        return Entry(name, category, "") if category else None

    def alias(self, name: str) -> Alias | None:
        """What a canonical name is an alias of; None for a name of its own and an unknown one."""
        if self.own is None:
            return self.tags.alias(name)
        if self.own.category(name):
            return None
        return self.tags.alias(name) or self._own_alias(name, self.own)

    def aliases_of(self, name: str) -> tuple[str, ...]:
        """Return the aliases of a canonical name, sorted."""
        lists = (self.tags, self.own) if self.own else (self.tags,)
        found = {each for names in lists for each, alias in names.aliases() if alias.of == name}
        return tuple(sorted(each for each in found if self.alias(each)))

    def group(self, name: str) -> str:
        """Return the curated group of a canonical name, "" when it has none."""
        return self._group(name)

    def groups(self) -> tuple[str, ...]:
        """Return the names of all curated groups, sorted."""
        return tuple(self.tags.notes())

    def members(self, group: str) -> tuple[str, ...]:
        """Return the names of a group, sorted. Raises UserError when there is no such group."""
        members = self.tags.note(group)
        if not members:
            raise UserError(f"no tag group is called `{group}`", hint=self._nearest_groups(group))
        return tuple(members.split("\n"))

    def _own_alias(self, name: str, own: Names) -> Alias | None:
        """An alias of the user's list. It never leads from one category to another.

        A bare word is too likely an ordinary one to stand for somebody's name.
        """
        alias = own.alias(name)
        target = self.find(alias.of) if alias else None
        if target is None or (target.category != "general" and " " not in name):
            return None
        known = self.find(name)
        is_other = known is not None and (known.group or known.category != target.category)
        return None if is_other else alias

    def _nearest(self, name: str) -> tuple[str, ...]:
        """Up to three known names that are spelt almost like `name`, the likeliest first."""
        from tagkit.lexicon.nearest import nearest

        return nearest(name, self)

    def _nearest_groups(self, group: str) -> str:
        import difflib

        near = difflib.get_close_matches(group, self.groups())
        if near:
            return f"did you mean {', '.join(near)}?"
        return f"the groups are {', '.join(self.groups())}"


def open_lexicon(folder: Path, own: Path | None = None) -> Lexicon:
    """Open the lexicon of a `rules` folder: `tags.marisa`, `names.marisa`, and a user's list.

    Raises UserError when one of them is missing or malformed.
    """
    names = Names(folder / "names.marisa")
    return Lexicon(Names(folder / "tags.marisa"), names, Names(own) if own else None)


@cache
def shipped_lexicon() -> Lexicon:
    """tagkit's own lexicon."""
    return open_lexicon(data_folder("rules"))


@cache
def lexicon_for(chosen: Path | None = None) -> Lexicon:
    """tagkit's lexicon with the user's list: `chosen` (CSV or compiled), else the imported one.

    Raises UserError for a list that cannot be read.
    """
    from tagkit.lexicon.own import own_list

    own = own_list(chosen)
    return open_lexicon(data_folder("rules"), own) if own else shipped_lexicon()
