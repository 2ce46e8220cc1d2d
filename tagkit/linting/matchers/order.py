"""Tags out of the order that the checkpoint was trained with."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tagkit.linting.diagnostics import Edit, Finding, apply_edits
from tagkit.linting.sorting import Units, first_home, first_inversion, unit_sorting
from tagkit.prompt import Bracket, Choice, Network, Segment, Stray, Tag, Text, Wildcard, parse
from tagkit.prompt.plain import Excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule
    from tagkit.prompt import Node, Prompt
    from tagkit.spans import Span

ORDER = "order"
_REMEMBERED = 1 << 16
PROSE_WORDS = 5


class _Kind(NamedTuple):
    """What a segment is to the order: `homes` of its tags, if it sorts, and their `group`.

    judgement: it cannot be sorted for sure. pinned: it keeps its place. artist: one of its tags is
    the name of one.
    """

    homes: tuple[int, ...] = ()
    group: str = ""
    judgement: bool = False
    pinned: bool = False
    artist: bool = False


class _Reading(NamedTuple):
    """A section as the order sees it. `judgement`: some part of it cannot be sorted for sure."""

    units: Units
    kinds: Sequence[_Kind]
    judgement: bool


# What the commas of a section part: segments, or the tags alone where they are all there is.
_Part: TypeAlias = "Segment | Tag"


def out_of_order(context: Context, rule: Rule) -> Iterator[Finding]:
    """Sections whose tags stand in another order than `card.prompt.order`.

    The fix moves whole segments and is stable. Extra networks, wildcards and alternatives keep
    their places, an unknown tag stays behind the tag that it follows. Where sorting would take a
    judgement (prose, quotes, a bracket of several groups) the finding is info without a fix, and
    so it is beside a bracket without a partner, which may hold what is put behind it.
    """
    every = context.knowledge.prepared(rule, _Kinds)
    for where, prompt in context.prompts(rule):
        for parts, has_stray in _sections(prompt):
            units, kinds, judgement = _read(parts, prompt, every, context.kept)
            sorting = unit_sorting(units)
            if sorting is None:
                yield from _in_mixed_brackets(parts, kinds, where, context)
                continue
            moves = () if judgement or has_stray else sorting.moves
            edits = tuple(
                Edit(parts[slot].span, _written(parts[source], prompt)) for slot, source in moves
            )
            if not _keeps_weights(prompt, edits):
                edits = ()
            values = inversion(
                [
                    (_shown(parts[slot], prompt, context), kinds[slot].group)
                    for slot in (sorting.moved, sorting.other)
                ],
                context,
            )
            span = parts[sorting.moved].span
            yield Finding(where, span, values, edits=edits, severity=None if edits else "info")


def _in_mixed_brackets(
    parts: Sequence[_Part], kinds: Sequence[_Kind], where: Where, context: Context
) -> Iterator[Finding]:
    """What is out of order only by tags in brackets of several groups, which nobody sorts."""
    if not any(kind.judgement and kind.group for kind in kinds):
        return
    beside_artist = any(kind.artist for kind in kinds)
    tags: list[tuple[Tag, str]] = []
    ranks: list[int] = []
    for part, kind in zip(parts, kinds, strict=True):
        for tag in part.tags if isinstance(part, Segment) and (kind.homes or kind.group) else ():
            group = context.knowledge.group(tag.name, beside_artist=beside_artist)
            homes = context.knowledge.homes(tag.name, group)
            if group and homes:
                tags.append((tag, group))
                ranks.append(first_home(homes, ranks[-1] if ranks else 0))
    if ranks != sorted(ranks):
        pair = [tags[at] for at in first_inversion(ranks)]
        values = inversion([(tag.name, group) for tag, group in pair], context)
        yield Finding(where, pair[0][0].span, values, severity="info")


def inversion(shown: Sequence[tuple[str, str]], context: Context) -> dict[str, str]:
    """The values of a finding: what stands in front of what, each with its group."""
    (tag, group), (other, other_group) = shown
    return {
        "tag": tag,
        "group": group.replace("_", " "),
        "other": other,
        "other_group": other_group.replace("_", " "),
        "model": context.card.title,
    }


def takes_more_than_homes(name: str, group: str | None) -> bool:
    """Whether a plain tag has a say in what the tags beside it are, or in whether they sort."""
    return group == "artist" or (group is None and _is_long(name))


def _sections(prompt: Prompt) -> Iterator[tuple[Sequence[_Part], bool]]:
    """The parts of each section, and whether a bracket without a partner is among them."""
    if isinstance(prompt, Excerpt):
        yield prompt.tags, False
        return
    strays = [node.span.start for node in prompt.grammar if isinstance(node, Stray)]
    for section in prompt.sections:
        span = section.span
        yield section.segments, any(span.start <= each < span.end for each in strays)


class _Kinds:
    """Kinds of segments. Tags recur without end, so the last ones of plain tags are kept."""

    def __init__(self, _: Rule, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._of_plain = lru_cache(_REMEMBERED)(self._of_name)

    def of_all(self, parts: Sequence[_Part], prompt: Prompt) -> list[_Kind]:
        """The kinds of a section; names that nobody is sure of count beside an artist."""
        kinds = [self._of(part, prompt, False) for part in parts]
        if any(kind.artist for kind in kinds):
            return [self._of(part, prompt, True) for part in parts]
        return kinds

    def _of(self, part: _Part, prompt: Prompt, beside_artist: bool) -> _Kind:
        if isinstance(part, Segment):
            nodes = part.nodes
            if len(nodes) > 1 or not isinstance(nodes[0], Text):
                return self._of_segment(part, prompt, beside_artist)
            part = nodes[0].tag
        return self._of_plain(part.name, beside_artist)

    def _of_name(self, name: str, beside_artist: bool) -> _Kind:
        return self._of_tags((name,), name, beside_artist)

    def _of_segment(self, segment: Segment, prompt: Prompt, beside_artist: bool) -> _Kind:
        names = [tag.name for tag in segment.tags]
        kind = self._of_tags(names, _written(segment, prompt), beside_artist)
        is_prose = kind.judgement and not kind.group
        if is_prose or not _is_pinned(segment.nodes):
            return kind
        return _Kind(pinned=True, artist=kind.artist)

    def _of_tags(self, names: Sequence[str], written: str, beside_artist: bool) -> _Kind:
        find = self._knowledge.group
        artist = any(find(name) == "artist" for name in names)
        known = {
            group: self._knowledge.homes(name, group)
            for name in names
            if (group := find(name, beside_artist=beside_artist))
        }
        if _is_prose(names, written, known):
            return _Kind(judgement=True, artist=artist)
        if not known:
            return _Kind(artist=artist)
        shared = set.intersection(*map(set, known.values()))
        return _Kind(tuple(sorted(shared)), next(iter(known)), not shared, artist=artist)


def _read(parts: Sequence[_Part], prompt: Prompt, kinds: _Kinds, kept: Sequence[Span]) -> _Reading:
    """Segments grouped into units; those that belong to none keep their slot.

    kept: what of the text keeps its place whatever it is.
    """
    units = Units([], [])
    judgement = False
    pinned = True  # an unknown tag in first place stays there
    found = kinds.of_all(parts, prompt)
    for slot, kind in enumerate(found):
        if kept and any(parts[slot].span.overlaps(span) for span in kept):
            pinned = True
        elif kind.judgement:
            judgement = True
        elif kind.pinned:
            pinned = True
        elif kind.homes:
            units.add(slot, kind.homes)
            pinned = False
        elif not pinned:
            units.slots[-1].append(slot)
    return _Reading(units, found, judgement)


def _is_pinned(nodes: Sequence[Node]) -> bool:
    for node in nodes:
        if isinstance(node, Network | Wildcard | Choice):
            return True
        if isinstance(node, Bracket) and any(_is_pinned(each.nodes) for each in node.segments):
            return True
    return False


def _is_prose(names: Sequence[str], written: str, known: Mapping[str, object]) -> bool:
    if '"' in written:
        return True
    return not known and any(map(_is_long, names))


def _is_long(name: str) -> bool:
    return len(name.split()) >= PROSE_WORDS


def _written(part: _Part, prompt: Prompt) -> str:
    return prompt.text[part.span.start : part.span.end]


def _keeps_weights(prompt: Prompt, edits: Sequence[Edit]) -> bool:
    """Whether every tag weighs the same afterwards: NovelAI's `2::` may end with the prompt."""
    if not prompt.grammar or not edits:
        return True
    after = parse(apply_edits(prompt.text, list(edits)), prompt.dialect)
    return _weights(after) == _weights(prompt)


def _weights(prompt: Prompt) -> list[tuple[str, float]]:
    return sorted((tag.name, tag.weight) for tag in prompt.tags)


def _shown(part: _Part, prompt: Prompt, context: Context) -> str:
    """Its first known tag that stands in no bracket, else all of it."""
    nodes = (part,) if isinstance(part, Tag) else part.nodes
    tags = (node.tag if isinstance(node, Text) else node for node in nodes)
    names = (tag.name for tag in tags if isinstance(tag, Tag))
    known = next((name for name in names if context.knowledge.group(name)), "")
    return known or _written(part, prompt)
