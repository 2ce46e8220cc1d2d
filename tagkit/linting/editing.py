"""Edits that several matchers make: taking a segment out, appending to a prompt."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from tagkit.linting.diagnostics import Edit
from tagkit.prompt import Bracket, Choice, Segment
from tagkit.prompt.captions import SEPARATOR
from tagkit.prompt.grammars import GRAMMARS
from tagkit.prompt.lexer import tokens_of
from tagkit.prompt.plain import Excerpt
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tagkit.prompt import Node, Prompt, Tag

_PROTECTED = frozenset({"character", "comment", "network", "phrase", "quoted", "wildcard"})


def _lists_of(node: Node) -> tuple[tuple[Segment, ...], ...]:
    if isinstance(node, Bracket):
        return (node.segments,)
    return node.options if isinstance(node, Choice) else ()


def removal(prompt: Prompt, tag: Tag) -> Edit | None:
    """Takes a tag out with its comma, and a bracket that would be left empty with it.

    None where nothing would be left, or an option of a choice would be left empty.
    """
    if isinstance(prompt, Excerpt):
        return list_removal(prompt.text, tag.span)
    return _removal(prompt.text, [section.segments for section in prompt.sections], tag)


def list_removal(text: str, span: Span) -> Edit | None:
    """The same of a tag in a text of plain tags that `, ` parts."""
    if span.start:
        return Edit(Span(span.start - 2, span.end), "")
    return Edit(Span(0, span.end + 2), "") if span.end < len(text) else None


def _removal(text: str, lists: Sequence[tuple[Segment, ...]], tag: Tag) -> Edit | None:
    for segments in lists:
        index = bisect_right(segments, tag.span.start, key=lambda each: each.span.start) - 1
        if index < 0 or tag.span.end > segments[index].span.end:
            continue
        segment = segments[index]
        inner = [each for node in segment.nodes for each in _lists_of(node)]
        deeper = _removal(text, inner, tag)
        if deeper or len(segment.tags) > 1 or not _only_brackets(segment):
            return deeper
        return _without(text, segments, index)
    return None


def _only_brackets(segment: Segment) -> bool:
    return len(segment.nodes) == 1 and not isinstance(segment.nodes[0], Choice)


def _without(text: str, segments: Sequence[Segment], index: int) -> Edit | None:
    """What is more than a comma between two segments is kept; so is the only one of a list."""
    span = segments[index].span
    if index and _is_mere_comma(text[segments[index - 1].span.end : span.start]):
        return Edit(Span(segments[index - 1].span.end, span.end), "")
    following = segments[index + 1].span if index + 1 < len(segments) else None
    if following and _is_mere_comma(text[span.end : following.start]):
        return Edit(Span(span.start, following.start), "")
    return None


def _is_mere_comma(between: str) -> bool:
    """Whether no comment and no separator of a caption stands there."""
    return "#" not in between and SEPARATOR not in between


def distinct(tags: Iterable[Tag]) -> list[Tag]:
    """The tags without those that say what one before them says in the same place."""
    found: dict[tuple[object, ...], Tag] = {}
    for tag in tags:
        found.setdefault((tag.name, tag.section, tag.choices), tag)
    return list(found.values())


def appended(prompt: Prompt, texts: Sequence[str]) -> Edit:
    """Puts `texts` behind what the prompt says, in front of a comment that ends it."""
    said = [
        token
        for token in tokens_of(prompt.text, GRAMMARS[prompt.dialect])
        if token.kind not in ("comment", "newline") and prompt.text[token.start : token.end].strip()
    ]
    added = ", ".join(texts)
    if not said:
        return Edit(Span(0, 0), added)
    end = said[-1].start + len(prompt.text[said[-1].start : said[-1].end].rstrip())
    glue = " " if said[-1].kind == "comma" else ", "
    return Edit(Span(end, end), glue + added)


def protected_spans(prompt: Prompt) -> list[Span]:
    """What no fix rewrites: extra networks, wildcards, alternatives, quotes and comments.

    And the names of NovelAI's character prompts.
    """
    tokens = tokens_of(prompt.text, GRAMMARS[prompt.dialect])
    spans = [Span(token.start, token.end) for token in tokens if token.kind in _PROTECTED]
    return spans + [node.span for node in prompt.grammar if isinstance(node, Choice)]


def triggers(prompt: Prompt) -> list[Tag]:
    """The first tag behind each extra network: likely the word that wakes it."""
    starts = [tag.span.start for tag in prompt.tags]
    behind = (bisect_left(starts, each.span.end) for each in prompt.networks)
    return [prompt.tags[index] for index in behind if index < len(starts)]
