"""Tag names: their category, the group of words they belong to, their aliases."""

from __future__ import annotations

from tagkit.lexicon.lookup import Entry, Lexicon, lexicon_for, open_lexicon, shipped_lexicon
from tagkit.lexicon.names import Alias

__all__ = ["Alias", "Entry", "Lexicon", "lexicon_for", "open_lexicon", "shipped_lexicon"]
