"""Lists of names: one memory-mapped trie each, opened at once whatever its size.

Behind a name stand one or more records, told apart by their first character:

    a c g m s   artist, character, general, meta, series; the number of posts follows where known
    #           the name's curated group follows
    = ~         the name is a spelling variant (=) or another alias (~) of the name that follows

`tables.py` compiles tagkit's curated tables, `scripts/build_names.py` its long lists and
`importing.py` the lists of users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import marisa_trie
import msgspec

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CATEGORIES = {"a": "artist", "c": "character", "g": "general", "m": "meta", "s": "copyright"}
"""Danbooru's category of each letter that a list keeps behind a name."""

GROUP, SPELLING, ALIAS = "#", "=", "~"
# Begins the keys of what a list says of itself; no name holds a line end.
NOTE = "\n"

# More levels share more suffixes; beyond sixteen the file no longer shrinks.
_LEVELS = 16


class Alias(msgspec.Struct, frozen=True):
    """What a name is an alias of. spelling: both are one name, written in two ways."""

    of: str
    spelling: bool


class Names:
    """A read-only map from canonical name to records."""

    __slots__ = ("_trie", "path")

    def __init__(self, path: Path) -> None:
        """Map the list at `path` into memory; nothing of it is read yet. Raises UserError."""
        self.path = path
        self._trie = marisa_trie.BytesTrie()
        try:
            self._trie.mmap(str(path))
        except (OSError, RuntimeError) as error:
            hint = "import your list again; for one of tagkit's own install tagkit-prompts again"
            raise UserError("cannot read a list of names", f"{path}: {error}", hint) from error

    def category(self, name: str) -> str:
        """The category of a name, "" when the list knows none."""
        found = self._record(name, CATEGORIES)
        return CATEGORIES[found[0]] if found else ""

    def posts(self, name: str) -> int | None:
        """The number of posts that bear a name, None when the list does not say."""
        count = self._record(name, CATEGORIES)[1:]
        return int(count) if count else None

    def group(self, name: str) -> str:
        """The curated group of a name, "" when it has none."""
        return self._record(name, GROUP)[1:]

    def alias(self, name: str) -> Alias | None:
        """What a name is an alias of, None when it is none."""
        found = self._record(name, (SPELLING, ALIAS))
        return Alias(found[1:], found[0] == SPELLING) if found else None

    def note(self, key: str) -> str:
        """What the list says of itself under `key`, "" when it says nothing."""
        return "".join(value.decode() for value in self._trie.get(NOTE + key, ()))

    def notes(self) -> list[str]:
        """The keys of what the list says of itself, sorted."""
        return sorted(key.removeprefix(NOTE) for key in self._trie.keys(NOTE))

    def __len__(self) -> int:
        """The number of records, of what the list says of itself too."""
        return len(self._trie)

    def beginning(self, prefix: str) -> list[str]:
        """The names that begin with `prefix`, which is not empty."""
        found: list[str] = self._trie.keys(prefix)
        return found

    def aliases(self) -> Iterator[tuple[str, Alias]]:
        """Every alias with what it stands for; this reads the whole list."""
        for name, record in self._trie.items():
            text = record.decode()
            if text[0] in (SPELLING, ALIAS) and not name.startswith(NOTE):
                yield name, Alias(text[1:], text[0] == SPELLING)

    def _record(self, name: str, kinds: Iterable[str]) -> str:
        """The first record of a name that is of one of `kinds`, "" when there is none."""
        # marisa takes a NUL for the end of a key, and a lone surrogate has no bytes at all.
        for record in (self._trie.get(name) or ()) if name.isprintable() else ():
            text: str = record.decode()
            if text[0] in kinds:
                return text
        return ""


def compile_names(records: Iterable[tuple[str, str]]) -> bytes:
    """The file of these names and records; the same ones give the same bytes."""
    items = [(name, record.encode()) for name, record in sorted(records)]
    return bytes(marisa_trie.BytesTrie(items, num_tries=_LEVELS).tobytes())
