"""Tags that rule one another out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.linting.diagnostics import Finding
from tagkit.linting.editing import distinct
from tagkit.linting.matchers.meeting import Meeting
from tagkit.packs import Severity
from tagkit.prompt import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt, Tag


class Exclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One set of tags that do not go together.

    one_of, group: names, or those of a group of the lexicon but for `apart_from`, of which any two
    exclude one another. sides: lists of names; those of one list go together, and none goes with
    one of another list. unless: names that excuse it in a section. of_one_person: whether several
    people excuse it. variant: the message.
    """

    variant: str = "found"
    one_of: tuple[str, ...] = ()
    group: str = ""
    apart_from: tuple[str, ...] = ()
    sides: tuple[tuple[str, ...], ...] = ()
    unless: frozenset[str] = frozenset()
    of_one_person: bool = False
    severity: Severity | None = None


class Exclusions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule's settings. several_people: names that say so; single: names of which two do."""

    exclusions: tuple[Exclusion, ...]
    several_people: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()


class _Index(msgspec.Struct, frozen=True):
    """The exclusions by the names that they speak of.

    places: each name's exclusions, by number, and its side in them. sides: all of each. excuses:
    names that may excuse one.
    """

    settings: Exclusions
    places: dict[str, dict[int, int]]
    sides: tuple[frozenset[tuple[int, int]], ...]
    excuses: frozenset[str]


def exclusive_tags(context: Context, rule: Rule) -> Iterator[Finding]:
    """Whole tags that an earlier one of the same section and the same alternative rules out."""
    index = context.knowledge.prepared(rule, exclusive_index)
    for where, prompt in context.prompts(rule):
        asked = [tag for tag in prompt.tags if tag.whole and tag.is_asked_for]
        known = distinct(tag for tag in asked if tag.name in index.places)
        for number, tag in enumerate(known):
            clash = _clash(tag, known[:number], prompt, index, context)
            if clash:
                other, exclusion = clash
                values = {"tag": tag.name, "other": other.name}
                yield Finding(
                    where, tag.span, values, exclusion.variant, severity=exclusion.severity
                )


def exclusive_meeting(name: str, rule: Rule, knowledge: Knowledge) -> Meeting:
    """A tag meets every other side of the exclusions that it has a side in.

    One that excuses, or counts people, bears on all of them.
    """
    index = knowledge.prepared(rule, exclusive_index)
    excuses = name in index.excuses or knowledge.group(name) == "character"
    if name not in index.places:
        return Meeting(frozenset(), frozenset(), excuses)
    own = frozenset(index.places[name].items())
    against = frozenset().union(*(index.sides[number] for number, _ in own)) - own
    return Meeting(own, against, excuses)


def exclusive_index(rule: Rule, knowledge: Knowledge) -> _Index:
    """The exclusions of each name. Raises UserError for a group that does not exist."""
    settings = msgspec.convert(rule.settings, Exclusions)
    places: dict[str, dict[int, int]] = {}
    sides: list[frozenset[tuple[int, int]]] = []
    for number, each in enumerate(settings.exclusions):
        members = knowledge.lexicon.members(each.group) if each.group else each.one_of
        alone = [(name,) for name in members if name not in each.apart_from]
        parts = each.sides or alone
        sides.append(frozenset((number, side) for side in range(len(parts))))
        for side, names in enumerate(parts):
            for name in names:
                places.setdefault(canonical(name), {})[number] = side
    excuses = settings.several_people | settings.single
    excuses = excuses.union(*(each.unless for each in settings.exclusions))
    return _Index(settings, places, tuple(sides), excuses)


def _clash(
    tag: Tag, earlier: Sequence[Tag], prompt: Prompt, index: _Index, context: Context
) -> tuple[Tag, Exclusion] | None:
    for other in earlier:
        sides = index.places[other.name]
        for number, side in index.places[tag.name].items():
            if sides.get(number, side) == side or not other.meets(tag):
                continue
            exclusion = index.settings.exclusions[number]
            if not _is_excused(exclusion, tag.section, prompt, index.settings, context):
                return other, exclusion
    return None


def _is_excused(
    exclusion: Exclusion, section: int, prompt: Prompt, settings: Exclusions, context: Context
) -> bool:
    names = {tag.name for tag in prompt.tags if tag.section == section}
    if names & exclusion.unless:
        return True
    return exclusion.of_one_person and _are_several(names, prompt, settings, context)


def _are_several(names: set[str], prompt: Prompt, settings: Exclusions, context: Context) -> bool:
    """Whether a section speaks of several people; one without a count goes by the whole prompt."""
    counts = settings.several_people | settings.single
    counted = names & counts or {tag.name for tag in prompt.tags} & counts
    if counted & settings.several_people or len(counted) > 1:
        return True
    return sum(context.knowledge.group(name) == "character" for name in names) > 1
