"""A glance at a prompt of plain tags: which rules can find anything in it, and in which tags.

What a glance shows is put together from what is known of each tag. It may suspect a rule in vain;
it never leaves out one that would find something.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import msgspec

from tagkit.clip import CHUNK
from tagkit.linting.facts import SEPARATOR, FactBook, Facts, RuleBit
from tagkit.linting.matchers import ALONE, MEETINGS
from tagkit.linting.matchers.order import ORDER
from tagkit.linting.matchers.repeated import REPEATED
from tagkit.linting.sorting import home_behind
from tagkit.prompt import Tag
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.diagnostics import Where
    from tagkit.linting.facts import Summand
    from tagkit.packs import Rule

_LENGTH = ("length", "cut-by-chunk")
_GLANCED = frozenset({REPEATED, ORDER, *_LENGTH}) | ALONE | MEETINGS.keys()


class Glance(msgspec.Struct, frozen=True, gc=False):
    """What a glance shows of a text.

    rules: those that may find something, a bit each, the first one's lowest. heeded: stands for
    all that rules on a missing negative prompt heed of this positive one. tokens: CLIP's. signs:
    those of all tags together. met: what of them some others (or themselves) must not be beside.
    """

    text: str
    rules: int
    heeded: int
    tokens: int
    tags: Sequence[Facts]
    signs: int
    met: int


class Screen:
    """Says of texts in one place, positive or negative, which of `rules` may find something."""

    def __init__(
        self, rules: Sequence[Rule], knowledge: Knowledge, where: Where, dialect: str
    ) -> None:
        self._rules = rules
        self._where = where
        self._always = self.mask(lambda rule: rule.kind not in _GLANCED)
        self._everything = self.mask(lambda rule: True)
        self._repeated = self.mask(lambda rule: rule.kind == REPEATED)
        self._order = self.mask(lambda rule: rule.kind == ORDER)
        self._length = self.mask(lambda rule: rule.kind in _LENGTH)
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
        count = sum(tokens) + tags[-1].tokens_at_end - tags[-1].tokens
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
        if count > self._most_tokens:
            found |= self._length
        if not _is_in_order(homes):
            found |= self._order
        return Glance(text, found, said & self.facts.heeded, count, tags, said, met)


def starts_of(tags: Iterable[Facts]) -> list[int]:
    """Where each tag of a list begins in its text, and where another one would."""
    return list(accumulate([tag.step for tag in tags], initial=0))


def tags_of(glance: Glance) -> list[Tag]:
    """The tags with their places in the text."""
    return [
        Tag(each.name, 1.0, Span(start, start + len(each.written)))
        for each, start in zip(glance.tags, starts_of(glance.tags), strict=False)
    ]


def _is_repeated(tags: Sequence[Facts]) -> bool:
    return len({tag.name for tag in tags}) < len(tags)


def _is_in_order(places: Sequence[tuple[int, ...]]) -> bool:
    """Whether each tag may stand behind those in front of it, by the homes of all."""
    rank = 0
    last: tuple[int, ...] = ()
    for homes in places:
        if homes is not last and homes:  # behind one of the same homes nothing is new
            last = homes
            if homes[-1] < rank:
                return False
            rank = home_behind(homes, rank)
    return True
