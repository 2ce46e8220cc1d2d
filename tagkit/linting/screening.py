"""A glance at a prompt of plain tags: which rules can find anything in it, and in which tags.

What a glance shows is put together from what is known of each tag. It may suspect a rule in vain;
it never leaves out one that would find something.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from tagkit.clip import CHUNK, chunk_sizes
from tagkit.linting.facts import SEPARATOR, FactBook, Facts, RuleBit
from tagkit.linting.matchers import ALONE, MEETINGS
from tagkit.linting.matchers.length import CUT, LENGTH
from tagkit.linting.matchers.order import ORDER
from tagkit.linting.matchers.repeated import REPEATED
from tagkit.linting.sorting import Sorting, is_in_order, list_sorting
from tagkit.prompt import Tag
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.diagnostics import Where
    from tagkit.linting.facts import Summand
    from tagkit.packs import Rule

_GLANCED = frozenset({REPEATED, ORDER, LENGTH, CUT}) | ALONE | MEETINGS.keys()


class Glance(msgspec.Struct, frozen=True, gc=False):
    """What a glance shows of a text.

    rules: those that may find something, a bit each, the first one's lowest. heeded: stands for
    all that rules on a missing negative prompt heed of this positive one. tokens: CLIP's. signs:
    those of all tags together. met: what of them some others (or themselves) must not be beside.
    sorting: how the tags come into order, those out of it that take no more than their homes.
    """

    text: str
    rules: int
    heeded: int
    tokens: int
    tags: Sequence[Facts]
    signs: int
    met: int
    sorting: Sorting | None


class Screen:
    """Says of texts in one place, positive or negative, which of `rules` may find something.

    keep: first tags that no fix moves or changes.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        knowledge: Knowledge,
        where: Where,
        dialect: str,
        keep: int = 0,
    ) -> None:
        self._rules = rules
        self._where = where
        self.keep = keep
        self._always = self.mask(lambda rule: rule.kind not in _GLANCED)
        self._everything = self.mask(lambda rule: True)
        self._repeated = self.mask(lambda rule: rule.kind == REPEATED)
        self._order = self.mask(lambda rule: rule.kind == ORDER)
        self._length = self.mask(lambda rule: rule.kind == LENGTH)
        self._cut = self.mask(lambda rule: rule.kind == CUT)
        self._placing = self._order | self._length | self._cut
        self._most_tokens = min(knowledge.card.prompt.limit or CHUNK, CHUNK)
        self.facts = FactBook(rules, self.judging(lambda _: True), knowledge, where, dialect)

    def glance(self, text: str) -> Glance | None:
        """A glance at `text`; None if it is more than plain tags."""
        written = text.split(SEPARATOR)
        try:
            summands = list(map(self.facts.__getitem__, written))
        except KeyError:
            return None
        return self._summed(text, written, summands)

    def rearranged(self, glance: Glance, sorting: Sorting) -> Glance:
        """A glance at the same list with its tags in another order."""
        tags = list(glance.tags)
        for slot, source in sorting.moves:
            tags[slot] = glance.tags[source]
        text = SEPARATOR.join([tag.written for tag in tags])
        tokens = glance.tokens + glance.tags[-1].comma - tags[-1].comma
        again = self._sorting([tag.homes for tag in tags])
        rules = glance.rules & ~self._placing | self._of_places(tokens, tags, again)
        return Glance(text, rules, glance.heeded, tokens, tags, glance.signs, glance.met, again)

    def suspects(self, text: str) -> int:
        """The rules that may find something in `text`, as a glance shows it or to be safe."""
        glance = self.glance(text)
        return glance.rules if glance else self._everything

    def judging(self, condition: Callable[[Rule], bool]) -> list[RuleBit]:
        """The rules that judge texts in this place and meet a condition."""
        return [
            RuleBit(1 << index, rule)
            for index, rule in enumerate(self._rules)
            if self._where in rule.looks_at and condition(rule)
        ]

    def mask(self, condition: Callable[[Rule], bool]) -> int:
        """The bits of the same rules."""
        return sum(each.bit for each in self.judging(condition))

    def _summed(self, text: str, written: Sequence[str], summands: Sequence[Summand]) -> Glance:
        tokens, signs, homes, tags = zip(*summands, strict=False)
        count = sum(tokens) - tags[-1].comma
        said = 0
        for each in signs:
            if each:
                said |= each
        found = self._always | (said & self._everything)
        met = said & said >> 1 & self.facts.met
        if met:
            for bit, keys in self.facts.bits_of.items():
                if met & keys:
                    found |= bit
        if len(set(written)) < len(written) or (said & self.facts.renamed and _is_repeated(tags)):
            found |= self._repeated
        sorting = self._sorting(homes)
        found |= self._of_places(count, tags, sorting)
        return Glance(text, found, said & self.facts.heeded, count, tags, said, met, sorting)

    def _sorting(self, homes: Sequence[tuple[int, ...]]) -> Sorting | None:
        if not self._order or is_in_order(homes):
            return None
        return list_sorting([*[()] * self.keep, *homes[self.keep :]] if self.keep else homes)

    def _of_places(self, tokens: int, tags: Sequence[Facts], sorting: Sorting | None) -> int:
        """The rules that may find something in where tags stand."""
        found = self._order if sorting else 0
        if tokens > self._most_tokens:
            found |= self._length
            if self._cut and CHUNK in _chunks(tokens, tags)[:-1]:
                found |= self._cut
        return found


def starts_of(tags: Iterable[Facts]) -> list[int]:
    """Where each tag of a list begins in its text, and where another one would."""
    return list(accumulate([tag.step for tag in tags], initial=0))


def tags_of(glance: Glance) -> list[Tag]:
    """The tags with their places in the text."""
    return [
        Tag(each.name, 1.0, Span(start, start + len(each.written)))
        for each, start in zip(glance.tags, starts_of(glance.tags), strict=False)
    ]


def chunks_of(glance: Glance) -> tuple[int, ...]:
    """Tokens of each chunk that the text is cut into."""
    return tuple(_chunks(glance.tokens, glance.tags))


def _chunks(tokens: int, tags: Sequence[Facts]) -> Sequence[int]:
    if tokens <= CHUNK:
        return (tokens,)
    ends = accumulate([tag.tokens for tag in tags[:-1]])
    commas = [end - 1 for end, tag in zip(ends, tags, strict=False) if tag.parted]
    return chunk_sizes(tokens, commas)


def _is_repeated(tags: Sequence[Facts]) -> bool:
    return len({tag.name for tag in tags}) < len(tags)
