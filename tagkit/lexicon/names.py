"""The long lists: names of artists, characters, series and meta tags, in one memory-mapped trie.

`scripts/build_names.py` compiles them; it says where they come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import marisa_trie

from tagkit.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES = {b"a": "artist", b"c": "character", b"s": "copyright", b"m": "meta"}
"""Danbooru's category of each code that the trie stores behind a name."""


class Names:
    """A read-only map from canonical name to Danbooru category."""

    __slots__ = ("_trie",)

    def __init__(self, path: Path) -> None:
        """Map the trie at `path` into memory; nothing of it is read yet."""
        self._trie = marisa_trie.BytesTrie()
        try:
            self._trie.mmap(str(path))
        except (OSError, RuntimeError) as error:
            hint = "install tagkit-prompts again"
            raise UserError("cannot read the name list", f"{path}: {error}", hint) from error

    def category(self, name: str) -> str:
        """Return the category of a name, "" when the lists do not hold it."""
        # marisa takes a NUL for the end of a key, and a lone surrogate has no bytes at all.
        codes = self._trie.get(name) if name.isprintable() else None
        return CATEGORIES[codes[0]] if codes else ""
