"""Weights that are written so that nothing reads them as weights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Edit, Finding
from tagkit.prompt import Bracket, Stray, and_parts
from tagkit.prompt.grammars import GRAMMARS
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt, Tag

_DECIMAL_COMMA = re.compile(r":\s*[+-]?[0-3](,)\d{1,2}\s*$")
_NO_COLON = re.compile(r"[^\s:](\s+)([0-2]?\.\d+)\s*$")
_BARE = re.compile(r"[^\W\d_]\s*:\s*([0-2]?\.\d+)$")
_TRAILING = re.compile(r":\s*[-+]?(?:\d+\.?|\d*\.\d+)\s*$")
_NOT_READ = re.compile(r"#[^\n]*|<\w+:[^>]+>")
_END_OF_PART = re.compile(r"(?<=\S)\s*(?:\bAND\b|\Z)")
_LOWEST, _HIGHEST = 0.1, 2.0


def malformed_weights(context: Context, rule: Rule) -> Iterator[Finding]:
    """`(tag:1,2)`, `(tag 1.2)`, `(tag:1.2.3)`, a bare `tag:1.2` and, at the very end, any number.

    The decimal comma and the end have a fix: what the others mean is the user's to say.
    """
    for where, prompt in context.prompts(rule):
        if ":" in prompt.text or prompt.grammar:
            yield from errors_of_weights(prompt, where, context)


def errors_of_weights(prompt: Prompt, where: Where, context: Context) -> Iterator[Finding]:
    """All of that in one prompt."""
    for node in prompt.grammar:
        if isinstance(node, Bracket) and node.kind == "emphasis":
            yield from _in_bracket(node, prompt, where)
    end = _trailing(prompt) if where == "positive" else None
    if end:
        values = {"weight": prompt.text[end.start : end.end]}
        yield Finding(where, end, values, "at-end", (Edit(Span(end.end, end.end), ","),))
    weighed = _ends_of_parts(prompt) if where == "positive" else frozenset()
    for tag in prompt.tags:
        if (end is None or tag.span.end < end.end) and tag.span.end not in weighed:
            yield from _bare(tag, prompt, where, context)


def _ends_of_parts(prompt: Prompt) -> frozenset[int]:
    """Where parts end that AND parts: a bare number there is meant, it weighs the part."""
    if "AND" not in prompt.text or not GRAMMARS[prompt.dialect].keywords:
        return frozenset()
    read = _as_read(prompt)
    parted = len(and_parts(read)) > 1
    return frozenset(found.start() for found in _END_OF_PART.finditer(read) if parted)


def _as_read(prompt: Prompt) -> str:
    """The text with blanks for comments and LoRA tags, which A1111 takes out before it looks."""
    return _NOT_READ.sub(lambda match: " " * len(match[0]), prompt.text)


def _trailing(prompt: Prompt) -> Span | None:
    """The bare number at the end that A1111 takes for the weight of an AND part.

    Where AND stands the number is meant, and behind a bracket that is still open it is that
    bracket's.
    """
    if not GRAMMARS[prompt.dialect].keywords:
        return None
    read = _as_read(prompt)
    found = _TRAILING.search(read)
    if found is None or len(and_parts(read)) > 1:
        return None
    strays = (node.span.start for node in prompt.grammar if isinstance(node, Stray))
    if any(prompt.text[start] in "([{" for start in strays):
        return None
    return Span(found.start(), found.start() + len(found[0].rstrip()))


def _in_bracket(node: Bracket, prompt: Prompt, where: Where) -> Iterator[Finding]:
    inner = prompt.text[node.inner.start : node.inner.end]
    if node.number is not None:
        number = prompt.text[node.number.start : node.number.end]
        if not _is_number(number):
            yield Finding(where, node.number, {"number": number}, "no-number")
        return
    comma = _DECIMAL_COMMA.search(inner)
    if comma:
        at = node.inner.start + comma.start(1)
        values = {"weight": prompt.text[node.span.start : node.span.end]}
        fix = Edit(Span(at, at + 1), ".")
        yield Finding(where, node.span, values, "decimal-comma", (fix,))
    missing = _NO_COLON.search(inner)
    if missing and _LOWEST <= float(missing[2]) <= _HIGHEST:
        start = node.inner.start + missing.start(2)
        span = Span(start, start + len(missing[2]))
        yield Finding(where, span, {"number": missing[2]}, "no-colon")


def _bare(tag: Tag, prompt: Prompt, where: Where, context: Context) -> Iterator[Finding]:
    text = prompt.text[tag.span.start : tag.span.end]
    bare = _BARE.search(text) if ":" in text else None
    if bare is None or tag.choices or context.knowledge.lexicon.find(tag.name):
        return
    if _LOWEST <= float(bare[1]) <= _HIGHEST:
        yield Finding(where, tag.span, {"weight": text}, "no-bracket")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
