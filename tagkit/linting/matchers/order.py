"""Tags out of the order that the checkpoint was trained with."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from tagkit.linting.diagnostics import Edit, Finding, apply_edits
from tagkit.prompt import Bracket, Choice, Network, Stray, Text, Wildcard, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Node, Prompt, Section, Segment
    from tagkit.spans import Span

PROSE_WORDS = 5


class _Unit(NamedTuple):
    """A segment that sorts, with the unknown ones that follow it; `slots` are their places."""

    rank: int
    group: str
    slots: list[int]


class _Reading(NamedTuple):
    """A section as the order sees it. `judgement`: some part of it cannot be sorted for sure."""

    units: list[_Unit]
    judgement: bool


def out_of_order(context: Context, rule: Rule) -> Iterator[Finding]:
    """Sections whose tags stand in another order than `card.prompt.order`.

    The fix moves whole segments and is stable. Extra networks, wildcards and alternatives keep
    their places, an unknown tag stays behind the tag that it follows. Where sorting would take a
    judgement (prose, quotes, a bracket of several groups) the finding is info without a fix, and
    so it is beside a bracket without a partner, which may hold what is put behind it.
    """
    for where, prompt in context.prompts(rule):
        for section in prompt.sections:
            if _is_sorted(section, context):
                continue
            reading = _read(section, prompt, context)
            order = sorted(reading.units, key=lambda unit: unit.rank)
            if order == reading.units:
                continue
            moved, other = _first_inversion(reading.units)
            segment = section.segments[moved.slots[0]]
            values = {
                "tag": _shown(section, moved, prompt, context),
                "group": moved.group.replace("_", " "),
                "other": _shown(section, other, prompt, context),
                "other_group": other.group.replace("_", " "),
                "model": context.card.title,
            }
            edits = () if reading.judgement else _moves(section, reading.units, order, prompt)
            if not _keeps_weights(prompt, edits):
                edits = ()
            yield Finding(
                where, segment.span, values, edits=edits, severity=None if edits else "info"
            )


def _is_sorted(section: Section, context: Context) -> bool:
    """Whether no tag stands in front of one that belongs before it, whatever else there is.

    A glance that spares most sections the reading: it may miss that unsorted ones cannot be
    sorted, never that one is unsorted.
    """
    rank = 0
    for segment in _movable(section, context):
        for tag in segment.tags:
            homes = context.knowledge.homes(tag.name, context.knowledge.group(tag.name))
            if homes and homes[-1] < rank:
                return False
            rank = home_behind(homes, rank)
    return not any(
        context.knowledge.group(tag.name) == "artist"
        for each in section.segments
        for tag in each.tags
    )


def home_behind(homes: Sequence[int], rank: int) -> int:
    """The first of a tag's `homes` that is not in front of `rank`; `rank` if none is."""
    for home in homes:
        if home >= rank:
            return home
    return rank


def _movable(section: Section, context: Context) -> Sequence[Segment]:
    kept = context.kept
    if not kept:
        return section.segments
    return [each for each in section.segments if not _is_kept(each, kept)]


def _is_kept(segment: Segment, kept: Sequence[Span]) -> bool:
    """Whether it is of what a caption keeps in its place."""
    return any(segment.span.overlaps(span) for span in kept)


def _read(section: Section, prompt: Prompt, context: Context) -> _Reading:
    """Segments grouped into units; those that belong to none keep their slot."""
    units: list[_Unit] = []
    pinned = True  # an unknown tag in first place stays there
    judgement = any(
        isinstance(node, Stray) and section.span.start <= node.span.start < section.span.end
        for node in prompt.grammar
    )
    artist = _is_artist_near(section, context)
    kept = context.kept
    for slot, segment in enumerate(section.segments):
        if _is_kept(segment, kept):
            pinned = True
            continue
        known = {
            group: context.knowledge.homes(tag.name, group)
            for tag in segment.tags
            if (group := context.knowledge.group(tag.name, beside_artist=artist))
        }
        shared = set.intersection(*map(set, known.values())) if known else set()
        if _is_prose(segment, prompt, known):
            judgement = True
        elif _is_pinned(segment.nodes):
            pinned = True
        elif known and not shared:
            judgement = True
        elif known:
            units.append(_Unit(_home(sorted(shared), units), next(iter(known)), [slot]))
            pinned = False
        elif not pinned:
            units[-1].slots.append(slot)
    return _Reading(units, judgement)


def _home(homes: Sequence[int], units: Sequence[_Unit]) -> int:
    """Of several homes the first that is not in front of the tag before; the last if all are."""
    before = units[-1].rank if units else 0
    return next((home for home in homes if home >= before), homes[-1])


def _is_artist_near(section: Section, context: Context) -> bool:
    return any(
        context.knowledge.group(tag.name) == "artist"
        for segment in section.segments
        for tag in segment.tags
    )


def _is_pinned(nodes: Sequence[Node]) -> bool:
    for node in nodes:
        if isinstance(node, Network | Wildcard | Choice):
            return True
        if isinstance(node, Bracket) and any(_is_pinned(each.nodes) for each in node.segments):
            return True
    return False


def _is_prose(segment: Segment, prompt: Prompt, known: Mapping[str, object]) -> bool:
    text = prompt.text[segment.span.start : segment.span.end]
    if '"' in text:
        return True
    return not known and any(len(tag.name.split()) >= PROSE_WORDS for tag in segment.tags)


def _first_inversion(units: Sequence[_Unit]) -> tuple[_Unit, _Unit]:
    """The first unit that stands in front of one that belongs before it, and the first of those.

    `units` are not sorted by rank.
    """
    lowest = list(accumulate((unit.rank for unit in reversed(units)), min))[::-1]
    index = next(at for at, unit in enumerate(units) if lowest[at] < unit.rank)
    unit = units[index]
    return unit, next(other for other in units[index + 1 :] if other.rank < unit.rank)


def _moves(
    section: Section, units: Sequence[_Unit], order: Sequence[_Unit], prompt: Prompt
) -> tuple[Edit, ...]:
    """Segment texts put into the slots of the sorted order; separators stay where they are.

    None if that would tear a unit apart around something that keeps its place.
    """
    slots = [slot for unit in units for slot in unit.slots]
    target = iter(slots)
    edits = []
    for unit in order:
        places = [next(target) for _ in unit.slots]
        if places[-1] - places[0] != unit.slots[-1] - unit.slots[0]:
            return ()
        for place, source in zip(places, unit.slots, strict=True):
            span, text = section.segments[place].span, section.segments[source].span
            if place != source:
                edits.append(Edit(span, prompt.text[text.start : text.end]))
    return tuple(edits)


def _keeps_weights(prompt: Prompt, edits: Sequence[Edit]) -> bool:
    """Whether every tag weighs the same afterwards: NovelAI's `2::` may end with the prompt."""
    if not prompt.grammar or not edits:
        return True
    after = parse(apply_edits(prompt.text, list(edits)), prompt.dialect)
    return _weights(after) == _weights(prompt)


def _weights(prompt: Prompt) -> list[tuple[str, float]]:
    return sorted((tag.name, tag.weight) for tag in prompt.tags)


def _shown(section: Section, unit: _Unit, prompt: Prompt, context: Context) -> str:
    """The unit's first known tag that stands in no bracket, else all of its first segment."""
    segment = section.segments[unit.slots[0]]
    texts = [node.tag.name for node in segment.nodes if isinstance(node, Text)]
    known = [text for text in texts if context.knowledge.group(text)]
    return known[0] if known else prompt.text[segment.span.start : segment.span.end]
