"""Canonical tag names: lower case, spaces instead of underscores, no escapes."""

from __future__ import annotations

import re
from functools import lru_cache

# Tags whose underscores belong to the drawing. The first row is the exclusion list of the A1111
# tag-autocomplete extension; the rest are further kaomoji of Danbooru with more than 100 posts.
KAOMOJI = frozenset(
    "0_0 (o)_(o) +_+ +_- ._. <o>_<o> <|>_<|> =_= >_< 3_3 6_9 >_o @_@ ^_^ o_o u_u x_x |_| ||_|| "
    "-_- ;_; ?_? !_! $_$ *_* ^o^ >o< \\(^o^)/ \\||/ \\m/ \\o/ \\n/ t_t v_v n_n q_q".split()
)

# Emoticons that hold characters of the grammar; they are tags, not brackets or options.
EMOTICONS = (
    ">:)", ">:(", ">:|", ":)", ":(", ";)", ";(", "=)", "=(", ":]", ":[", ":}", ":{", ":|", ";|",
    "(o)_(o)", "||_||", "|_|", "<|>_<|>", "\\||/",
)  # fmt: skip

_ESCAPE = re.compile(r"\\([()\[\]{}\\|:<>])")
_BLANKS = re.compile(r"[\s_]+")
_BRACKET = re.compile(r"([()\[\]])")


@lru_cache(maxsize=1 << 16)
def canonical(text: str) -> str:
    """The canonical spelling of a tag as written: `Long_Hair` is `long hair`, `^_^` stays."""
    lowered = text.strip().lower()
    if lowered in KAOMOJI:
        return lowered
    if "\\" in lowered:
        lowered = _ESCAPE.sub(r"\1", lowered)
        if lowered in KAOMOJI:
            return lowered
    return _BLANKS.sub(" ", lowered).strip()


def escaped(name: str) -> str:
    """A canonical name as it is typed where brackets mean emphasis: `a (b)` is `a \\(b\\)`."""
    return name if name in EMOTICONS else _BRACKET.sub(r"\\\1", name)
