"""Weights as A1111's attention parser gives them, to the letter.

The algorithm is that of `parse_prompt_attention` in A1111's modules/prompt_parser.py, restated so
that it takes linear time: a bracket's factor is found first, then one sweep multiplies.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUND, SQUARE = 1.1, 1 / 1.1
BREAK_WEIGHT = -1.0
ROUNDING = 1e-9

_TOKEN = re.compile(r"\\[()\[\]\\]|\\|\(|\[|:\s*([+-]?[.\d]+)\s*\)|\)|\]|[^\\()\[\]:]+|:")
_BREAK = re.compile(r"\s*\bBREAK\b\s*")


class Bracket(NamedTuple):
    """Multiplies the texts from index `first` up to index `end` by `factor`."""

    first: int
    end: int
    factor: float
    square: bool


def weighted_spans(text: str, *, strict: bool = True) -> list[tuple[str, float]]:
    """Texts and their weights, in order; BREAK is `("BREAK", -1.0)`.

    A weight that is no number (`(tag:1.2.3)`), on which A1111 fails, raises UserError when
    `strict`, else counts as 1.
    """
    texts: list[tuple[str, float]] = []
    brackets = list(_brackets(text, texts, strict))
    if not texts:
        return [("", 1.0)]
    return _merged(_weighed(texts, brackets))


def _brackets(text: str, texts: list[tuple[str, float]], strict: bool) -> Iterator[Bracket]:
    """Fills `texts` with unweighted texts and yields the brackets as they close."""
    round_open: list[int] = []
    square_open: list[int] = []
    for match in _TOKEN.finditer(text):
        token, number = match[0], match[1]
        if token == "(":
            round_open.append(len(texts))
        elif token == "[":
            square_open.append(len(texts))
        elif number is not None and round_open:
            factor = _number(number, text, match.start(1), strict)
            yield Bracket(round_open.pop(), len(texts), factor, False)
        elif token == ")" and round_open:
            yield Bracket(round_open.pop(), len(texts), ROUND, False)
        elif token == "]" and square_open:
            yield Bracket(square_open.pop(), len(texts), SQUARE, True)
        else:
            texts += _literal(token)
    for first in reversed(round_open):
        yield Bracket(first, len(texts), ROUND, False)
    for first in reversed(square_open):
        yield Bracket(first, len(texts), SQUARE, True)


def _literal(token: str) -> Iterator[tuple[str, float]]:
    if token[0] == "\\":
        yield token[1:], 1.0
        return
    for index, part in enumerate(_BREAK.split(token)):
        if index:
            yield "BREAK", BREAK_WEIGHT
        yield part, 1.0


def _number(number: str, text: str, start: int, strict: bool) -> float:
    try:
        return float(number)
    except ValueError:
        if not strict:
            return 1.0
        line = text.count("\n", 0, start) + 1
        column = start - (text.rfind("\n", 0, start) + 1) + 1
        raise UserError(
            f"`{number}` is no weight", f"line {line}, column {column}", "write it as `(tag:1.2)`"
        ) from None


def _weighed(texts: list[tuple[str, float]], brackets: list[Bracket]) -> list[tuple[str, float]]:
    """Brackets of one shape nest, so those open at a text form a stack with a running product."""
    opening: dict[int, list[Bracket]] = {}
    for bracket in reversed(brackets):  # the outer of two that begin together closes later
        if bracket.end > bracket.first:
            opening.setdefault(bracket.first, []).append(bracket)
    stacks: dict[bool, list[tuple[int, float]]] = {False: [], True: []}
    weighed = []
    for index, (text, weight) in enumerate(texts):
        for stack in stacks.values():
            while stack and stack[-1][0] <= index:
                stack.pop()
        for bracket in opening.get(index, ()):
            stack = stacks[bracket.square]
            stack.append((bracket.end, bracket.factor * (stack[-1][1] if stack else 1.0)))
        for stack in stacks.values():
            weight *= stack[-1][1] if stack else 1.0
        weighed.append((text, weight))
    return weighed


def _merged(weighed: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Neighbours of equal weight (but for rounding) become one text, encoded together."""
    runs: list[tuple[list[str], float]] = []
    for text, weight in weighed:
        if runs and abs(runs[-1][1] - weight) < ROUNDING:
            runs[-1][0].append(text)
        else:
            runs.append(([text], weight))
    return [("".join(texts), weight) for texts, weight in runs]
