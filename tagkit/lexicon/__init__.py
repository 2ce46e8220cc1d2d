"""Tag names: their category and the group of words they belong to."""

from __future__ import annotations

from tagkit.lexicon.lookup import Entry, Lexicon, open_lexicon

__all__ = ["Entry", "Lexicon", "open_lexicon"]
