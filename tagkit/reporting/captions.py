"""What the captions of a training set hold, as those look at them who train a LoRA."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from tagkit.linting import shipped_lexicon
from tagkit.prompt.captions import caption_tags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.documents import Document

_COUNTS = "count"
_MOST_TAGS = 40
_MOST_NAMED = 8


class TagCount(msgspec.Struct, frozen=True):
    """A tag and the number of captions that hold it."""

    tag: str
    captions: int


class Captions(msgspec.Struct, frozen=True):
    """The captions of a run.

    tags: most frequent first, then by name. shortest, longest: tags of a caption. in_all: tags that
    every caption holds. in_one: those of one caption only. without_count: where no tag says how
    many people there are. same: captions that say what an earlier one says. Places are `path:line`.
    """

    captions: int
    shortest: int
    longest: int
    tags: tuple[TagCount, ...]
    in_all: tuple[str, ...]
    in_one: tuple[str, ...]
    without_count: tuple[str, ...]
    same: tuple[str, ...]


class Census:
    """Counts captions as they go by; keeps their tags, not their texts."""

    def __init__(self) -> None:
        self._lexicon = shipped_lexicon()
        self._tags: Counter[str] = Counter()
        self._lengths: Counter[int] = Counter()
        self._without_count: list[str] = []
        self._known: set[int] = set()
        self._same: list[str] = []

    def add(self, document: Document) -> None:
        """Counts the captions of one more document."""
        for record in document.records:
            self._count(caption_tags(record.positive), f"{document.path}:{record.line}")

    def _count(self, tags: Sequence[str], place: str) -> None:
        self._tags.update(tags)
        self._lengths[len(tags)] += 1
        if not any(self._lexicon.group(tag) == _COUNTS for tag in tags):
            self._without_count.append(place)
        said = hash(frozenset(tags))
        if said in self._known:
            self._same.append(place)
        self._known.add(said)

    def result(self) -> Captions | None:
        """What all captions hold; None if there was none."""
        captions = self._lengths.total()
        if not captions:
            return None
        ordered = sorted(self._tags.items(), key=lambda each: (-each[1], each[0]))
        return Captions(
            captions,
            min(self._lengths),
            max(self._lengths),
            tuple(TagCount(tag, count) for tag, count in ordered),
            tuple(tag for tag, count in ordered if count == captions),
            tuple(tag for tag, count in ordered if count == 1),
            tuple(self._without_count),
            tuple(self._same),
        )


def census_lines(found: Captions) -> Iterator[str]:
    """What is odd about the captions, then the most frequent tags."""
    number = f"{found.captions} caption{'' if found.captions == 1 else 's'}"
    yield f"{number}, {len(found.tags)} tags, {found.shortest} to {found.longest} in a caption"
    yield from _named("in every caption", found.in_all)
    yield from _named("in one caption only", found.in_one)
    yield from _named("captions without a count of people", found.without_count)
    yield from _named("captions with the tags of an earlier one", found.same)
    width = len(str(found.captions))
    for each in found.tags[:_MOST_TAGS]:
        yield f"{each.captions:>{width}} {each.tag}"
    if len(found.tags) > _MOST_TAGS:
        yield f"and {len(found.tags) - _MOST_TAGS} more; --output-format json has all"


def _named(label: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        more = ", …" if len(names) > _MOST_NAMED else ""
        yield f"{label}: {len(names)} ({', '.join(names[:_MOST_NAMED])}{more})"
