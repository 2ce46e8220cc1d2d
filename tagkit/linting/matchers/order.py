"""Tags out of the order that the checkpoint was trained with."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tagkit.linting.diagnostics import Edit, Finding, apply_edits
from tagkit.prompt import Bracket, Choice, Network, Segment, Stray, Tag, Text, Wildcard, parse
from tagkit.prompt.plain import Excerpt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Node, Prompt
    from tagkit.spans import Span

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


class _Unit(NamedTuple):
    """A segment that sorts, with the unknown ones that follow it; `slots` are their places."""

    rank: int
    group: str
    slots: list[int]


class _Reading(NamedTuple):
    """A section as the order sees it. `judgement`: some part of it cannot be sorted for sure."""

    units: list[_Unit]
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
    kinds = context.knowledge.prepared(rule, _Kinds)
    for where, prompt in context.prompts(rule):
        for parts, has_stray in _sections(prompt):
            units, judgement = _read(parts, prompt, kinds, context.kept)
            if _is_sorted(units):
                continue
            order = sorted(units, key=lambda unit: unit.rank)
            moved, other = _first_inversion(units)
            values = {
                "tag": _shown(parts[moved.slots[0]], prompt, context),
                "group": moved.group.replace("_", " "),
                "other": _shown(parts[other.slots[0]], prompt, context),
                "other_group": other.group.replace("_", " "),
                "model": context.card.title,
            }
            edits = () if judgement or has_stray else _moves(parts, units, order, prompt)
            if not _keeps_weights(prompt, edits):
                edits = ()
            span = parts[moved.slots[0]].span
            yield Finding(where, span, values, edits=edits, severity=None if edits else "info")


def home_behind(homes: Sequence[int], rank: int) -> int:
    """The first of a tag's `homes` that is not in front of `rank`; `rank` if none is."""
    for home in homes:
        if home >= rank:
            return home
    return rank


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
    """Kinds of segments. Tags recur without end, so those of plain ones are kept."""

    def __init__(self, _: Rule, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._plain: dict[tuple[str, bool], _Kind] = {}

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
        key = (part.name, beside_artist)
        if key not in self._plain:
            self._plain[key] = self._of_tags((part,), part.name, beside_artist)
        return self._plain[key]

    def _of_segment(self, segment: Segment, prompt: Prompt, beside_artist: bool) -> _Kind:
        kind = self._of_tags(segment.tags, _written(segment, prompt), beside_artist)
        is_prose = kind.judgement and not kind.group
        if is_prose or not _is_pinned(segment.nodes):
            return kind
        return _Kind(pinned=True, artist=kind.artist)

    def _of_tags(self, tags: Sequence[Tag], written: str, beside_artist: bool) -> _Kind:
        find = self._knowledge.group
        artist = any(find(tag.name) == "artist" for tag in tags)
        known = {
            group: self._knowledge.homes(tag.name, group)
            for tag in tags
            if (group := find(tag.name, beside_artist=beside_artist))
        }
        if _is_prose(tags, written, known):
            return _Kind(judgement=True, artist=artist)
        if not known:
            return _Kind(artist=artist)
        shared = set.intersection(*map(set, known.values()))
        return _Kind(tuple(sorted(shared)), next(iter(known)), not shared, artist=artist)


def _read(parts: Sequence[_Part], prompt: Prompt, kinds: _Kinds, kept: Sequence[Span]) -> _Reading:
    """Segments grouped into units; those that belong to none keep their slot.

    kept: what of the text keeps its place whatever it is.
    """
    units: list[_Unit] = []
    judgement = False
    pinned = True  # an unknown tag in first place stays there
    for slot, kind in enumerate(kinds.of_all(parts, prompt)):
        homes = kind.homes
        if kept and any(parts[slot].span.overlaps(span) for span in kept):
            pinned = True
        elif kind.judgement:
            judgement = True
        elif kind.pinned:
            pinned = True
        elif homes:
            rank = homes[0] if len(homes) == 1 else _home(homes, units)
            units.append(_Unit(rank, kind.group, [slot]))
            pinned = False
        elif not pinned:
            units[-1].slots.append(slot)
    return _Reading(units, judgement)


def _home(homes: Sequence[int], units: Sequence[_Unit]) -> int:
    """Of several homes the first that is not in front of the tag before; the last if all are."""
    before = units[-1].rank if units else 0
    return next((home for home in homes if home >= before), homes[-1])


def _is_pinned(nodes: Sequence[Node]) -> bool:
    for node in nodes:
        if isinstance(node, Network | Wildcard | Choice):
            return True
        if isinstance(node, Bracket) and any(_is_pinned(each.nodes) for each in node.segments):
            return True
    return False


def _is_prose(tags: Sequence[Tag], written: str, known: Mapping[str, object]) -> bool:
    if '"' in written:
        return True
    return not known and any(len(tag.name.split()) >= PROSE_WORDS for tag in tags)


def _is_sorted(units: Sequence[_Unit]) -> bool:
    ranks = [unit.rank for unit in units]
    return ranks == sorted(ranks)


def _first_inversion(units: Sequence[_Unit]) -> tuple[_Unit, _Unit]:
    """The first unit that stands in front of one that belongs before it, and the first of those.

    `units` are not sorted by rank.
    """
    lowest = list(accumulate((unit.rank for unit in reversed(units)), min))[::-1]
    index = next(at for at, unit in enumerate(units) if lowest[at] < unit.rank)
    unit = units[index]
    return unit, next(other for other in units[index + 1 :] if other.rank < unit.rank)


def _moves(
    parts: Sequence[_Part], units: Sequence[_Unit], order: Sequence[_Unit], prompt: Prompt
) -> tuple[Edit, ...]:
    """Segment texts put into the slots of the sorted order; separators stay where they are.

    None if that would tear a unit apart around something that keeps its place.
    """
    slots = [slot for unit in units for slot in unit.slots]
    sources = [slot for unit in order for slot in unit.slots]
    at = 0
    for unit in order:
        last = at + len(unit.slots) - 1
        if slots[last] - slots[at] != unit.slots[-1] - unit.slots[0]:
            return ()
        at = last + 1
    return tuple(
        Edit(parts[slot].span, _written(parts[source], prompt))
        for slot, source in zip(slots, sources, strict=True)
        if slot != source
    )


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
