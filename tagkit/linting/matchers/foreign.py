"""Syntax of another dialect, which the prompt's own takes for text."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tagkit.errors import UserError
from tagkit.linting.diagnostics import Edit, Finding
from tagkit.linting.editing import protected_spans
from tagkit.prompt import Bracket, convert
from tagkit.prompt.detection import detect_dialect, signs
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt

_BRACES = "novelai"
_TEMPLATE = ("|", "$", "__", "{prompt}")


class _Sign(NamedTuple):
    dialect: str
    text: str
    span: Span


def foreign_dialect(context: Context, rule: Rule) -> Iterator[Finding]:
    """The first sign of a dialect that the rule's settings call foreign to the prompt's own.

    The fix writes the whole prompt in its own dialect, where the sign's dialect is the one that
    the prompt shows most and where that is exact.
    """
    for where, prompt in context.prompts(rule):
        foreign: Sequence[str] = rule.settings[prompt.dialect]
        found = _first(prompt, foreign)
        if found:
            values = {
                "sign": found.text,
                "foreign": rule.settings["names"][found.dialect],
                "dialect": rule.settings["names"][prompt.dialect],
            }
            # A comment of this dialect would swallow what the fix writes.
            edits = () if "#" in prompt.text else tuple(_converted(prompt, found.dialect))
            yield Finding(where, found.span, values, edits=edits)


def _first(prompt: Prompt, foreign: Sequence[str]) -> _Sign | None:
    """The first sign outside of what is no text of the prompt."""
    found = [
        _Sign(dialect, sign, Span(*span)) for dialect, sign, span in signs(prompt.text, foreign)
    ]
    if _BRACES in foreign and "{" in prompt.text:
        found += _braces(prompt)
    if not found:
        return None
    kept = protected_spans(prompt)
    outside = [
        sign for sign in found if not any(span.start <= sign.span.start < span.end for span in kept)
    ]
    return min(outside, key=lambda sign: sign.span, default=None)


def _braces(prompt: Prompt) -> Iterator[_Sign]:
    """Braces without options; those of templates are something else."""
    for node in prompt.grammar:
        if isinstance(node, Bracket) and node.kind == "braces":
            text = prompt.text[node.span.start : node.span.end]
            if not any(mark in text for mark in _TEMPLATE) and _is_outside_of_variable(
                node, prompt
            ):
                yield _Sign(_BRACES, "`{text}`", node.span)


def _is_outside_of_variable(node: Bracket, prompt: Prompt) -> bool:
    """Whether it is no `${x=a}` or `%{x}` of a template."""
    return prompt.text[node.span.start - 1 : node.span.start] not in ("$", "%")


def _converted(prompt: Prompt, dialect: str) -> Iterator[Edit]:
    shown = detect_dialect(prompt.text)
    if shown.sign and shown.dialect != dialect:
        return
    try:
        text = convert(prompt.text, dialect, prompt.dialect)
    except UserError:
        return
    if text != prompt.text:
        yield Edit(Span(0, len(prompt.text)), text)
