"""What the rules make of one tag of a plain list, worked out once for every way to write it.

Tags recur without end, and most of them break few rules.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tagkit.clip import real_tokens
from tagkit.linting.context import Context
from tagkit.linting.matchers import ALONE, MATCHERS, MEETINGS, OF_SIGNS, OF_WHAT_IS_MISSING
from tagkit.linting.matchers.order import ORDER, takes_more_than_homes
from tagkit.prompt import parse
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule

SEPARATOR = ", "
_REMEMBERED = 1 << 16
# What begins a quote, a comment, an extra network, or brackets that are text here and signs of
# another dialect: commas within those part no tags.
_SPANNING = re.compile(r'"|/\*|<\w+:|[\[{]')
_WORDS = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*")  # in these no grammar sees a sign


class RuleBit(NamedTuple):
    """A rule and its bit in masks."""

    bit: int
    rule: Rule


class Facts(NamedTuple):
    """What is known of one tag as it is written; masks have a bit for each rule.

    tokens: CLIP's, with the comma behind it and without. alone: the rules that find something in it
    by itself, and the one on order for what is loose. heeded: what rules on a missing negative
    prompt heed of it. own, against: what it is to rules on several tags and what it must not meet,
    as keys that `FactBook` gives out. step: how far the next tag begins behind it. homes: its
    places in the card's order. is_loose: that order takes more than the homes of a list's tags
    where it is one of them. keys: all of `own` and `against`. bears: the rules on several tags
    whose findings in others it bears on.
    """

    name: str
    tokens: int
    alone: int
    heeded: int
    own: tuple[int, ...]
    against: tuple[int, ...]
    homes: tuple[int, ...]
    step: int
    written: str
    tokens_at_end: int
    group: str
    is_loose: bool
    keys: frozenset[int]
    bears: int


class FactBook(dict[str, Facts]):
    """Facts of tags, learnt when they are first asked for. KeyError for what is no plain tag.

    judging: the rules on texts in this place, positive or negative. missing: those on negative
    prompts that are not there.
    """

    def __init__(
        self,
        judging: Sequence[RuleBit],
        missing: Sequence[Rule],
        knowledge: Knowledge,
        where: Where,
        dialect: str,
    ) -> None:
        super().__init__()
        self._knowledge = knowledge
        self._where = where
        self._dialect = dialect
        self._alone = [each for each in judging if each.rule.kind in ALONE]
        self._in_words = [each for each in self._alone if each.rule.kind not in OF_SIGNS]
        self._meeting = [each for each in judging if each.rule.kind in MEETINGS]
        self._missing = missing
        self._order = sum(each.bit for each in judging if each.rule.kind == ORDER)
        self.rule_of: list[int] = []  # the bit of the rule that a key was given out for
        self._keys: dict[tuple[int, Hashable], int] = {}
        self._heeded: dict[tuple[str, Hashable], int] = {}
        self._homes: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._others: set[str] = set()

    def __missing__(self, written: str) -> Facts:
        if len(self) + len(self._others) >= _REMEMBERED:
            self.clear()
            self._others.clear()
        facts = None if written in self._others else self._learn(written)
        if facts is None:
            self._others.add(written)
            raise KeyError(written)
        self[written] = facts
        return facts

    def _learn(self, written: str) -> Facts | None:
        prompt = parse(written, self._dialect)
        if prompt.grammar or [tag.span for tag in prompt.tags] != [Span(0, len(written))]:
            return None
        if _SPANNING.search(written):
            return None
        name = prompt.tags[0].name
        group = self._knowledge.group(name)
        homes = self._knowledge.homes(name, group)
        tokens = self._tokens(written)
        # A comma is a token of its own behind words; other signs may swallow it.
        in_words = _WORDS.fullmatch(written) is not None
        with_comma = tokens + 1 if in_words else self._tokens(f"{written},")
        own, against, bears = self._meetings(name)
        is_loose = takes_more_than_homes(name, group)
        return Facts(
            name,
            with_comma,
            self._found_in(written, in_words=in_words) | (self._order if is_loose else 0),
            self._traits(name),
            own,
            against,
            self._homes.setdefault(homes, homes),
            len(written) + len(SEPARATOR),
            written,
            tokens,
            group or "",
            is_loose,
            frozenset(own + against),
            bears,
        )

    def _tokens(self, text: str) -> int:
        return real_tokens(text, self._dialect, negative=self._where == "negative")

    def _found_in(self, written: str, *, in_words: bool) -> int:
        """The rules that find something in the tag alone."""
        context = Context.of(self._where, written, self._dialect, self._knowledge)
        rules = self._in_words if in_words else self._alone
        return sum(bit for bit, rule in rules if any(MATCHERS[rule.kind](context, rule)))

    def _meetings(self, name: str) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        """What the tag is, and what it must not meet, in the eyes of all rules on several tags."""
        own: list[int] = []
        against: list[int] = []
        bears = 0
        for bit, rule in self._meeting:
            meeting = MEETINGS[rule.kind](name, rule, self._knowledge)
            own += self._keyed(bit, meeting.own)
            against += self._keyed(bit, meeting.against)
            bears |= bit if meeting.bears else 0
        return tuple(own), tuple(against), bears

    def _keyed(self, bit: int, keys: Iterable[Hashable]) -> Iterator[int]:
        for key in keys:
            number = self._keys.setdefault((bit, key), len(self.rule_of))
            if number == len(self.rule_of):
                self.rule_of.append(bit)
            yield number

    def _traits(self, name: str) -> int:
        """What rules on a missing negative prompt heed of the tag, a bit each."""
        traits = 0
        for rule in self._missing:
            for key in OF_WHAT_IS_MISSING[rule.kind](name, rule, self._knowledge):
                traits |= self._heeded.setdefault((rule.code, key), 1 << len(self._heeded))
        return traits
