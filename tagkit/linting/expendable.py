"""What may go from a prompt that is too long, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.linting.editing import distinct, triggers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.prompt import Prompt, Tag

IMPLIED = "implied"
# Groups of the curated tables that Danbooru files under general and meta tags.
_OWN = frozenset({"count", "color_theme", "year", "rating", "quality"})


def expendable_tags(
    prompt: Prompt, knowledge: Knowledge, implied: Mapping[str, frozenset[str]]
) -> Iterator[tuple[Tag, str]]:
    """Whole tags that may go, with what makes them go: `implied`, or the name of their group.

    First those that another tag implies (`implied`: a tag to all that it says), then the card's
    expendable groups, each from the end; unknown tags count as general ones, and emphasised tags
    go last of their group. Alternatives and the tag behind an extra network stay.
    """
    woken = frozenset(triggers(prompt))
    narrow = [tag for tag in distinct(prompt.tags) if tag.name in implied and tag not in woken]
    said = frozenset[str]().union(*(implied[tag.name] for tag in narrow))
    groups = (IMPLIED, *knowledge.card.prompt.expendable)
    found: dict[str, list[Tag]] = {group: [] for group in groups}
    for tag in prompt.tags:
        group = _group(tag.name, knowledge)
        if tag.whole and not tag.choices and group in found and tag not in woken:
            is_implied = tag.name in said and _is_said(tag, narrow, implied)
            found[IMPLIED if is_implied else group].append(tag)
    for group, tags in found.items():
        for tag in sorted(tags, key=lambda tag: (tag.weight > 1, -tag.span.start)):
            yield tag, group


def _is_said(tag: Tag, narrow: Sequence[Tag], implied: Mapping[str, frozenset[str]]) -> bool:
    return any(tag.name in implied[other.name] and other.meets(tag) for other in narrow)


def _group(name: str, knowledge: Knowledge) -> str:
    group = knowledge.group(name) or "general"
    curated = knowledge.lexicon.group(name)
    return curated if curated in _OWN and group in ("general", "meta") else group
