"""Weights as NovelAI reads them: braces, square brackets and `1.2::text::`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.prompt.grammars import GRAMMARS
from tagkit.prompt.lexer import paired, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.prompt.lexer import Pair, Token

_MARKS = frozenset({"open", "close", "number", "end"})


def novelai_spans(text: str) -> list[tuple[str, float]]:
    """Texts and weights in order; all weights multiply.

    `{x}` is 1.05, `[x]` its inverse; `n::` weighs up to `::`, the next `n::` or the end.
    """
    grammar = GRAMMARS["novelai"]
    tokens = tokens_of(text, grammar)
    pairs = paired(tokens, text, grammar)
    return _merged(_weighed(tokens, pairs, text)) or [("", 1.0)]


def _weighed(
    tokens: Sequence[Token], pairs: dict[int, Pair], text: str
) -> Iterator[tuple[str, float]]:
    factors = GRAMMARS["novelai"].factors
    weights = [1.0]
    closing = {pair.close for pair in pairs.values()}
    for index, token in enumerate(tokens):
        if index in pairs:
            written = text[token.start : token.end - 2]
            numbered = pairs[index].kind == "numbered"
            factor = float(written) if numbered else factors[_kind(pairs[index])]
            weights.append(weights[-1] * factor)
        elif index in closing:
            weights.pop()
        elif token.kind != "end":
            yield text[token.start : token.end], weights[-1]


def _kind(pair: Pair) -> str:
    return "braces" if pair.kind == "variants" else pair.kind


def _merged(spans: Iterator[tuple[str, float]]) -> list[tuple[str, float]]:
    merged: list[tuple[list[str], float]] = []
    for text, weight in spans:
        if merged and merged[-1][1] == weight:
            merged[-1][0].append(text)
        else:
            merged.append(([text], weight))
    return [("".join(texts), weight) for texts, weight in merged]
