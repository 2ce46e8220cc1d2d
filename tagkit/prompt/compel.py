"""Weights as compel and InvokeAI read them: `word++`, `(a b)1.2`, `"a phrase"-`.

Restated from compel's prompt_parser.py. Conjunctions, blends and swaps (`.and()`, `.blend()`,
`.swap()`) are no weights; they stay text here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tagkit.prompt.grammars import GRAMMARS
from tagkit.prompt.lexer import paired, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MORE, LESS = 1.1, 0.9

_SUFFIX = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)|\++|-+)?$")
_PLAIN_ESCAPES = frozenset({"\\(", "\\)", '\\"'})
_MARKS = re.compile(r"([,.])")


class _Piece(NamedTuple):
    text: str
    weight: float
    inside: bool  # a bracket or quotes, where commas and points are words of their own


def suffix_factor(suffix: str) -> float:
    """What `++`, `--` or `1.2` behind a word or a bracket multiplies its weight by."""
    if not suffix:
        return 1.0
    if suffix.strip("+-"):
        return float(suffix)
    return float((MORE if suffix[0] == "+" else LESS) ** len(suffix))


def split_suffix(text: str) -> tuple[str, str]:
    """A word, phrase or closing bracket, and the weight written behind it."""
    found = _SUFFIX.search(text)
    at = found.start() if found else len(text)
    return text[:at], text[at:]


def compel_spans(text: str) -> list[tuple[str, float]]:
    """Texts and weights in order; one space joins words of equal weight, as compel does it."""
    spaced = re.sub(r",(\S)", r", \1", text)
    spans: list[tuple[list[str], float]] = []
    for words, weight in _words(spaced):
        if spans and spans[-1][1] == weight:
            spans[-1][0].extend(words)
        elif words:
            spans.append((words, weight))
    return [(" ".join(words), weight) for words, weight in spans] or [("", 1.0)]


def _words(text: str) -> Iterator[tuple[list[str], float]]:
    """Neighbouring pieces of equal weight as words."""
    run, weight, inside = "", 1.0, False
    for piece in _pieces(text):
        if (piece.weight, piece.inside) != (weight, inside):
            yield _split(run, inside), weight
            run, weight, inside = "", piece.weight, piece.inside
        run += piece.text
    yield _split(run, inside), weight


def _split(run: str, inside: bool) -> list[str]:
    return (_MARKS.sub(r" \1 ", run) if inside else run).split()


def _pieces(text: str) -> Iterator[_Piece]:
    grammar = GRAMMARS["compel"]
    tokens = tokens_of(text, grammar)
    pairs = paired(tokens, text, grammar)
    closing = {pair.close: opened for opened, pair in pairs.items()}
    weights = [1.0]
    for index, token in enumerate(tokens):
        written = text[token.start : token.end]
        if index in pairs:
            close = tokens[pairs[index].close]
            factor = suffix_factor(text[close.start + 1 : close.end])
            weights.append(weights[-1] * factor)
        elif index in closing:
            weights.pop()
        elif token.kind == "phrase":
            phrase, suffix = split_suffix(written)
            yield _Piece(phrase[1:-1], weights[-1] * suffix_factor(suffix), True)
        elif token.kind == "boosted":
            word, suffix = split_suffix(written)
            yield _Piece(word, weights[-1] * suffix_factor(suffix), len(weights) > 1)
        else:
            # compel takes the escapes out of plain text only
            plain = written in _PLAIN_ESCAPES and len(weights) == 1
            yield _Piece(written[1:] if plain else written, weights[-1], len(weights) > 1)
