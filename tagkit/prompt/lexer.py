"""A prompt's text cut into tokens that cover it without a gap, and its brackets paired."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tagkit.prompt.grammars import GRAMMARS, NUMBER, token_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.prompt.grammars import Grammar

# Deeper brackets are read as stray ones: no prompt means them, and no reader may recurse on them.
MAX_DEPTH = 100

_KEYWORD = re.compile(r"\b(?:BREAK|AND)\b")
_WHEN = re.compile(rf"\s*{NUMBER}(?:[eE][+-]?\d+)?\s*")
_PARTNER = {")": "(", "]": "[", "}": "{"}
_KINDS = {"(": "emphasis", "[": "deemphasis", "{": "braces", ":": "numbered"}


class Token(NamedTuple):
    """`text[start:end]` is one unit of the grammar."""

    kind: str
    start: int
    end: int


class Pair(NamedTuple):
    """An open bracket's partner (token indices) and what the two mean together.

    kind: emphasis `( )`, deemphasis `[ ]`, braces `{ }`, numbered `1.2:: ::`, schedule `[a:b:n]`,
    alternate `[a|b]` or variants `{a|b}`. `cuts`: indices of the tokens that part options.
    """

    close: int
    kind: str
    cuts: tuple[int, ...]


def tokens_of(text: str, grammar: Grammar) -> tuple[Token, ...]:
    """Tokens of a prompt; together they cover `text`."""
    return _tokens(text, grammar.name)


@lru_cache(maxsize=256)  # as many as trees are kept: several rules look at a prompt's tokens
def _tokens(text: str, name: str) -> tuple[Token, ...]:
    grammar, pattern = GRAMMARS[name], token_pattern(name)
    tokens = [Token(str(m.lastgroup), m.start(), m.end()) for m in pattern.finditer(text)]
    if grammar.keywords and _KEYWORD.search(text):
        tokens = [part for token in tokens for part in _with_keywords(token, text)]
    if any(token.kind == "number" for token in tokens):
        tokens = list(_with_ends(tokens, len(text)))
    return tuple(tokens)


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


def _with_ends(tokens: Sequence[Token], length: int) -> Iterator[Token]:
    """`1.2::` weighs up to `::`, the next `n::` or the end: the latter two get an empty end."""
    is_open = False
    for token in tokens:
        if token.kind == "number":
            if is_open:
                yield Token("end", token.start, token.start)
            is_open = True
        elif token.kind == "end":
            is_open = False
        yield token
    if is_open:
        yield Token("end", length, length)


class _Open:
    """A bracket that waits for its partner; pipes and colons directly inside it."""

    def __init__(self, index: int, bracket: str) -> None:
        self.index = index
        self.bracket = bracket
        self.pipes: list[int] = []
        self.colons: list[int] = []


def paired(tokens: Sequence[Token], text: str, grammar: Grammar) -> dict[int, Pair]:
    """Every bracket that has a partner, by the index of its opening token.

    A closing bracket takes the nearest open one of its shape; those in between stay stray.
    """
    pairs: dict[int, Pair] = {}
    waiting: list[_Open] = []
    for index, token in enumerate(tokens):
        kind = token.kind
        if kind in ("open", "number") and len(waiting) < MAX_DEPTH:
            waiting.append(_Open(index, text[token.start] if kind == "open" else ":"))
        elif kind == "pipe" and waiting:
            waiting[-1].pipes.append(index)
        elif kind == "colon" and waiting:
            waiting[-1].colons.append(index)
        elif kind in ("close", "weight", "emoticon", "end"):
            opened = _partner(_shape(token, text), waiting)
            if opened:
                pairs[opened.index] = _pair(opened, index, tokens, text, grammar)
    return pairs


def _shape(token: Token, text: str) -> str | None:
    """The opening bracket that a closing token belongs to."""
    if token.kind == "end":
        return ":"
    letter = text[token.start] if token.kind == "close" else text[token.end - 1]
    return _PARTNER.get(letter)


def _partner(wanted: str | None, waiting: list[_Open]) -> _Open | None:
    if not any(each.bracket == wanted for each in waiting):
        return None
    while waiting[-1].bracket != wanted:
        waiting.pop()
    return waiting.pop()


def _pair(opened: _Open, close: int, tokens: Sequence[Token], text: str, grammar: Grammar) -> Pair:
    kind = _KINDS[opened.bracket]
    if kind == "braces" and opened.pipes:
        return Pair(close, "variants", tuple(opened.pipes))
    if kind == "deemphasis" and grammar.schedules:
        if opened.pipes:
            return Pair(close, "alternate", tuple(opened.pipes))
        if _is_schedule(opened, close, tokens, text):
            return Pair(close, "schedule", tuple(opened.colons))
    return Pair(close, kind, ())


def _is_schedule(opened: _Open, close: int, tokens: Sequence[Token], text: str) -> bool:
    if not 1 <= len(opened.colons) <= 2:
        return False
    when = text[tokens[opened.colons[-1]].end : tokens[close].start]
    return bool(_WHEN.fullmatch(when))
