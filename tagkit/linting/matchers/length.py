"""Prompts longer than the checkpoint takes well."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from itertools import accumulate
from typing import TYPE_CHECKING

from tagkit.clip import CHUNK, count_tokens, real_tokens, text_count
from tagkit.linting.diagnostics import Edit, Finding, apply_edits
from tagkit.linting.editing import removal
from tagkit.linting.expendable import expendable_tags
from tagkit.linting.tables import implications
from tagkit.prompt import Choice
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt, Tag

    Implied = Mapping[str, frozenset[str]]

LENGTH = "length"
CUT = "cut-by-chunk"
_SHOWN = 40
_MOST_CUTS = 20  # where chunks go on beyond that, the length is what is wrong


def over_length(context: Context, rule: Rule) -> Iterator[Finding]:
    """Prompts with more real CLIP tokens than the card's limit; padding does not count.

    The fix drops tags, the least important first, until the rest fits.
    """
    limit = context.card.prompt.limit
    if limit is None:
        return
    implied = context.knowledge.prepared(rule, _implications)
    for where, prompt in context.prompts(rule):
        tokens = _tokens(prompt.text, prompt, where)
        if tokens > limit:
            dropped = _overflow(context, prompt, limit, where, implied)
            values = {
                "tokens": str(tokens),
                "limit": str(limit),
                "over": str(tokens - limit),
                "model": context.card.title,
                "count": str(len(dropped)),
            }
            span = Span(_first_over(prompt, limit, where), len(prompt.text.rstrip()))
            yield Finding(where, span, values, edits=_joined(dropped))


def _implications(rule: Rule, _: Knowledge) -> Implied:
    return implications(rule.settings["implications"])


def cut_by_chunk(context: Context, rule: Rule) -> Iterator[Finding]:
    """Tags of which one chunk of 75 tokens has the beginning and the next one the rest.

    Schedules and AND make several texts of one prompt, each cut elsewhere; they are not judged.
    """
    for where, prompt in context.prompts(rule):
        if len(prompt.text) <= CHUNK or _is_several_texts(prompt):  # a token has a letter at least
            continue
        chunks = count_tokens(prompt.text, prompt.dialect, negative=where == "negative").chunks
        for number, cut in enumerate(accumulate(chunks[:-1][:_MOST_CUTS]), 1):
            if chunks[number - 1] < CHUNK:  # cut at a comma or at BREAK
                continue
            tag = _tag_at(cut, prompt, where)
            if tag:
                shown = tag.name if len(tag.name) <= _SHOWN else f"{tag.name[:_SHOWN]}…"
                yield Finding(where, tag.span, {"tag": shown, "chunk": str(number)})


def _is_several_texts(prompt: Prompt) -> bool:
    return any(isinstance(node, Choice) for node in prompt.grammar) or "AND" in prompt.text


def _tag_at(cut: int, prompt: Prompt, where: Where) -> Tag | None:
    """The tag that has tokens on both sides of token number `cut`."""
    ends = [tag.span.end for tag in prompt.tags]
    index = bisect_right(ends, cut, key=lambda end: _tokens(prompt.text[:end], prompt, where))
    if index == len(ends):
        return None
    tag = prompt.tags[index]
    return tag if _tokens(prompt.text[: tag.span.start], prompt, where) < cut else None


def _tokens(text: str, prompt: Prompt, where: Where) -> int:
    return real_tokens(text, prompt.dialect, negative=where == "negative")


def _first_over(prompt: Prompt, limit: int, where: Where) -> int:
    """Where the first segment begins that ends behind the limit.

    Counted alone segments have about the tokens that they add to the prompt; only where that is
    near the limit are the prompt's own counted.
    """
    segments = [segment for section in prompt.sections for segment in section.segments]
    if not segments:
        return 0

    def reached(index: int) -> int:
        return _tokens(prompt.text[: segments[index].span.end], prompt, where)

    tokens = at = first = 0
    for first, segment in enumerate(segments):
        tokens += text_count(prompt.text[at : segment.span.end])
        at = segment.span.end
        if tokens > limit:
            tokens = reached(first)
        if tokens > limit:
            break
    while first and reached(first - 1) > limit:
        first -= 1
    return segments[first].span.start


def _overflow(
    context: Context, prompt: Prompt, limit: int, where: Where, implied: Implied
) -> list[Edit]:
    """The fewest removals, least important first, that bring the prompt to `limit`.

    None if they cannot. What the card wants in the negative prompt stays there.
    """

    def excess(edits: list[Edit]) -> int:
        return _tokens(apply_edits(prompt.text, edits), prompt, where) - limit

    kept = context.knowledge.base_negative if where == "negative" else frozenset()
    edits: list[Edit] = []
    over = excess([])
    for edit in _removals(context, prompt, kept, implied):
        edits.append(edit)
        over -= text_count(prompt.text[edit.span.start : edit.span.end])
        if over <= 0:
            over = excess(edits)
        if over <= 0:
            break
    else:
        return []
    while len(edits) > 1 and excess(edits[:-1]) <= 0:
        edits.pop()
    return edits


def _removals(
    context: Context, prompt: Prompt, kept: frozenset[str], implied: Implied
) -> Iterator[Edit]:
    """What takes the tags out that may go, the least important first; no two overlap."""
    taken: list[Span] = []
    for tag, _ in expendable_tags(prompt, context.knowledge, implied):
        edit = None if tag.name in kept else removal(prompt, tag)
        if edit and _is_free(edit.span, taken):
            insort(taken, edit.span)
            yield edit


def _is_free(span: Span, taken: Sequence[Span]) -> bool:
    """Whether a span overlaps none of `taken`, which are sorted and do not overlap."""
    index = bisect_left(taken, span)
    return not any(span.overlaps(other) for other in taken[max(index - 1, 0) : index + 1])


def _joined(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Removals of neighbours as one."""
    joined: list[Edit] = []
    for edit in sorted(edits, key=lambda each: each.span):
        if joined and joined[-1].span.end == edit.span.start:
            joined[-1] = Edit(Span(joined[-1].span.start, edit.span.end), "")
        else:
            joined.append(edit)
    return tuple(joined)
