"""A prompt's text cut into tokens that cover it without a gap, and its brackets paired."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tagkit.prompt.names import EMOTICONS

if TYPE_CHECKING:
    from collections.abc import Sequence

# Deeper brackets are read as stray ones: no prompt means them, and no reader may recurse on them.
MAX_DEPTH = 100

_EMOTICON = "|".join(re.escape(each) for each in sorted(EMOTICONS, key=len, reverse=True))
_TOKEN = re.compile(
    rf"""
      (?P<comment> \#[^\n]* )
    | (?P<emoticon> (?<![^\s,(\[{{|]) [^\S\r\n]* (?:{_EMOTICON}) (?= \s* (?:[,\r\n|)\]}}]|$) ) )
    | (?P<escape> \\. | \\ )
    | (?P<network> <\w+:[^>]+> )
    | (?P<quoted> "[^"\n]*" )
    | (?P<wildcard> __[A-Za-z0-9*][\w*./\- ]*?(?:\([^()\n]*\))?__ )
    | (?P<weight> :\s*[+-]?[.\d]+\s*\) )
    | (?P<open> [(\[{{] )
    | (?P<close> [)\]}}] )
    | (?P<comma> , )
    | (?P<newline> \r\n|\n|\r )
    | (?P<pipe> \| )
    | (?P<colon> : )
    | (?P<text> (?: [^\\(){{}}\[\]<|:,\r\n\#"_] | _(?!_) )+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_KEYWORD = re.compile(r"\b(?:BREAK|AND)\b")
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
_PARTNER = {")": "(", "]": "[", "}": "{"}


class Token(NamedTuple):
    """`text[start:end]` is one unit of the grammar."""

    kind: str
    start: int
    end: int


class Pair(NamedTuple):
    """An open bracket's partner (token indices) and what the two mean together.

    kind: emphasis `( )`, deemphasis `[ ]`, schedule `[a:b:n]`, alternate `[a|b]`,
    variants `{a|b}`, braces `{ }`. `cuts`: token indices of the pipes or colons that part options.
    """

    close: int
    kind: str
    cuts: tuple[int, ...]


def tokens_of(text: str) -> list[Token]:
    """Tokens of an A1111 prompt; together they cover `text`."""
    tokens = [Token(str(m.lastgroup), m.start(), m.end()) for m in _TOKEN.finditer(text)]
    if _KEYWORD.search(text):
        tokens = [part for token in tokens for part in _with_keywords(token, text)]
    return tokens


def _with_keywords(token: Token, text: str) -> list[Token]:
    """BREAK and AND as tokens of their own, cut out of a text token."""
    if token.kind != "text":
        return [token]
    parts, at = [], token.start
    for match in _KEYWORD.finditer(text, token.start, token.end):
        if match.start() > at:
            parts.append(Token("text", at, match.start()))
        parts.append(Token(match[0].lower(), match.start(), match.end()))
        at = match.end()
    if at < token.end:
        parts.append(Token("text", at, token.end))
    return parts


class _Open:
    """A bracket that waits for its partner; pipes and colons directly inside it."""

    def __init__(self, index: int, bracket: str) -> None:
        self.index = index
        self.bracket = bracket
        self.pipes: list[int] = []
        self.colons: list[int] = []


def paired(tokens: Sequence[Token], text: str) -> dict[int, Pair]:
    """Every bracket that has a partner, by the index of its opening token.

    A closing bracket takes the nearest open one of its shape; those in between stay stray.
    """
    pairs: dict[int, Pair] = {}
    waiting: list[_Open] = []
    for index, token in enumerate(tokens):
        kind = token.kind
        if kind == "open" and len(waiting) < MAX_DEPTH:
            waiting.append(_Open(index, text[token.start]))
        elif kind == "pipe" and waiting:
            waiting[-1].pipes.append(index)
        elif kind == "colon" and waiting:
            waiting[-1].colons.append(index)
        elif kind in ("close", "weight", "emoticon"):
            _close(index, token, waiting, pairs, tokens, text)
    return pairs


def _close(
    index: int,
    token: Token,
    waiting: list[_Open],
    pairs: dict[int, Pair],
    tokens: Sequence[Token],
    text: str,
) -> None:
    wanted = _PARTNER.get(text[token.end - 1])
    while waiting and any(each.bracket == wanted for each in waiting):
        opened = waiting.pop()
        if opened.bracket == wanted:
            pairs[opened.index] = _pair(opened, index, tokens, text)
            return


def _pair(opened: _Open, close: int, tokens: Sequence[Token], text: str) -> Pair:
    if opened.bracket == "(":
        return Pair(close, "emphasis", ())
    if opened.bracket == "{":
        return Pair(close, "variants" if opened.pipes else "braces", tuple(opened.pipes))
    if opened.pipes:
        return Pair(close, "alternate", tuple(opened.pipes))
    if 1 <= len(opened.colons) <= 2:
        when = text[tokens[opened.colons[-1]].end : tokens[close].start]
        if _NUMBER.fullmatch(when):
            return Pair(close, "schedule", tuple(opened.colons))
    return Pair(close, "deemphasis", ())
