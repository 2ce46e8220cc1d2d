"""Token counts without a tokenizer: common words carry theirs in a memory-mapped table.

BPE merges never cross CLIP's pre-token boundaries, so a text's count is the sum of the counts of
its pre-tokens. Plain ASCII is cut here; everything else goes to the tokenizer.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from tagkit.clip.tokenizer import COMMA, encode
from tagkit.data import data_folder

if TYPE_CHECKING:
    from marisa_trie import RecordTrie

ENDS_IN_COMMA = 1 << 7
"""Added to the count of a pre-token whose last token is a comma."""

_PRE_TOKEN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+")
_BLANK = str.maketrans("\t\n\r", "   ")


def pre_tokens(text: str) -> list[str]:
    """CLIP's pre-tokens of a plain ASCII text."""
    return _PRE_TOKEN.findall(text.lower())


def is_plain(text: str) -> bool:
    """Whether `pre_tokens` reads `text` as CLIP does: printable ASCII without special tokens."""
    return text.isascii() and text.translate(_BLANK).isprintable() and "<|" not in text


@lru_cache(maxsize=1 << 16)
def text_count(text: str) -> int:
    """CLIP tokens of the raw text."""
    if not is_plain(text):
        return len(encode(text))
    return sum(map(word_count, pre_tokens(text)))


def listed_count(text: str) -> int:
    """The same of a list of tags, whose tags recur: each is counted once, with its comma.

    Blanks part CLIP's pre-tokens, and punctuation runs do not reach across them.
    """
    *tags, last = text.split(", ")
    return sum(map(_count_with_comma, tags)) + text_count(last)


@lru_cache(maxsize=1 << 16)
def _count_with_comma(text: str) -> int:
    return text_count(f"{text},")


@lru_cache(maxsize=1 << 16)
def word_count(word: str) -> int:
    """CLIP tokens of one plain pre-token."""
    known = _listed(word)
    return known % ENDS_IN_COMMA if known else len(encode(word))


@lru_cache(maxsize=1 << 12)
def ends_in_comma(word: str) -> bool:
    """Whether the comma behind a run of signs (`^_^,`) is a token of its own."""
    known = _listed(word)
    return known >= ENDS_IN_COMMA if known else encode(word)[-1] == COMMA


def _listed(word: str) -> int:
    """What the table says of a pre-token, 0 if it does not hold it."""
    known = _table().get(word)
    return int(known[0][0]) if known else 0


@cache
def _table() -> RecordTrie:
    from marisa_trie import RecordTrie

    return RecordTrie("<B").mmap(str(data_folder("models") / "clip" / "counts.marisa"))
