"""Prompts from one dialect to another, where the meaning converts exactly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.prompt.tree import Choice, Network, Node, Prompt, Stray, Wildcard
from tagkit.spans import LineMap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

TOLERANCE = 1e-6

Spans = list[tuple[str, float]]

_KEYWORD = re.compile(r"\b(?:BREAK|AND)\b")
_ESCAPES: Mapping[str, re.Pattern[str]] = {
    "a1111": re.compile(r"([()\[\]\\])"),
    "comfyui": re.compile(r"([()])"),
    "novelai": re.compile(r"(?!)(.)"),
    "compel": re.compile(r'((?<!\\)[()"]|(?<=[^\s])[+-]+(?=[\s,]|$))'),
}
_ESCAPED = re.compile(r"\\([()\"+-])")
_FORMS = {
    "a1111": "({text}:{weight})",
    "comfyui": "({text}:{weight})",
    "novelai": "{weight}::{text}::",
    "compel": "({text}){weight}",
}


def converted(prompt: Prompt, spans: Spans, to: str, read: Callable[[str], Spans]) -> str:
    """`prompt` (which its own program reads as `spans`) as it is written in the dialect `to`.

    `read` is how the program of that dialect reads a prompt. Raises UserError for a part that
    has no equal there: nothing is converted by halves.
    """
    _refuse_what_has_no_equal(prompt, to)
    if prompt.dialect == "compel":
        spans = _spaced(spans)
    text = "".join(_written(text, weight, to) for text, weight in spans)
    if not _mean_the_same(read(text), spans):
        raise UserError(
            f"the prompt cannot be written in {to} so that it is read the same",
            text,
            "its words are grammar there",
        )
    return text


def _refuse_what_has_no_equal(prompt: Prompt, to: str) -> None:
    if len(prompt.sections) > 1:
        raise UserError(f"BREAK, AND and character prompts have no equal in {to}")
    for node in prompt.nodes():
        if isinstance(node, Choice | Network | Wildcard | Stray):
            _refuse(node, prompt, to)
    found = _KEYWORD.search(prompt.text) if to == "a1111" else None
    if found:
        raise UserError(f"`{found[0]}` is a keyword in a1111 and a word in {prompt.dialect}")


def _refuse(node: Node, prompt: Prompt, to: str) -> None:
    place = LineMap(prompt.text).position(node.span.start)
    written = prompt.text[node.span.start : node.span.end]
    raise UserError(
        f"`{written}` has no equal in {to}", f"line {place.line}, column {place.column}"
    )


def _spaced(spans: Spans) -> Spans:
    """compel parts its texts with a blank that it does not say, and leaves some escapes in."""
    first, *others = [(_ESCAPED.sub(r"\1", text), weight) for text, weight in spans]
    return [first, *((text if text[:1] == "," else f" {text}", weight) for text, weight in others)]


def _written(text: str, weight: float, to: str) -> str:
    """A text with its weight; blanks at its ends stay outside of the bracket."""
    plain = _ESCAPES[to].sub(r"\\\1", text)
    stripped = plain.strip()
    if abs(weight - 1.0) < TOLERANCE or not stripped:
        return plain
    before = plain[: len(plain) - len(plain.lstrip())]
    behind = plain[len(plain.rstrip()) :]
    return before + _FORMS[to].format(text=stripped, weight=_shortest(weight)) + behind


def _shortest(weight: float) -> str:
    """The shortest decimal that is the weight but for rounding."""
    for digits in range(9):
        shown = f"{weight:.{digits}f}"
        if abs(float(shown) - weight) < TOLERANCE / 10:
            return shown
    return repr(weight)


def _mean_the_same(one: Sequence[tuple[str, float]], other: Sequence[tuple[str, float]]) -> bool:
    """Whether the letters and their weights are the same.

    Blanks and escapes that a reader leaves in are no matter.
    """
    ours, theirs = list(_letters(one)), list(_letters(other))
    return len(ours) == len(theirs) and all(
        letter == same and abs(weight - equal) < TOLERANCE
        for (letter, weight), (same, equal) in zip(ours, theirs, strict=True)
    )


def _letters(spans: Sequence[tuple[str, float]]) -> Iterator[tuple[str, float]]:
    for text, weight in spans:
        for letter in text:
            if not letter.isspace() and letter != "\\":
                yield letter, weight
