"""What the rules make of one tag of a plain list, worked out once for every way to write it.

Tags recur without end, and most of them break few rules.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from tagkit.clip import comma_stands_alone, real_tokens, text_count
from tagkit.linting.context import Context
from tagkit.linting.matchers import ALONE, MATCHERS, MEETINGS, OF_SIGNS, OF_WHAT_IS_MISSING
from tagkit.linting.matchers.order import ORDER, takes_more_than_homes
from tagkit.prompt import Tag, parse
from tagkit.prompt.plain import list_prompt
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt

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


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What is known of one tag as it is written.

    signs: bits of the rules that find something in it by itself, and of the one on order if it is
    loose, of what it is to rules on several tags, and of what rules on a missing negative prompt
    heed of it; one bit higher each, what others must not be beside it. bears: bits of the rules on
    several tags whose findings in others it bears on. tokens: CLIP's, with the comma behind it.
    comma: how many of them that takes. parted: whether it is a token of its own. step: how far the
    next tag begins behind it. homes: its places in the card's order; it is loose if that order
    takes more than the homes of a list's tags where it is one of them.
    """

    name: str
    written: str
    step: int
    tokens: int
    comma: int
    parted: bool
    signs: int
    bears: int
    group: str
    homes: tuple[int, ...]


# What sums up a list, for which each list takes all of its tags apart: tokens, signs, homes.
Summand: TypeAlias = "tuple[int, int, tuple[int, ...], Facts]"


class FactBook(dict[str, Summand]):
    """Facts of tags, learnt when they are first asked for. KeyError for what is no plain tag.

    rules: all of them; their bits are the lowest. judging: those on texts in this place, positive
    or negative. renamed: the sign of tags that are written otherwise than their name. heeded: all
    bits of what is heeded. bits_of: all that tags are to each rule on several tags, by the bit of
    the rule. met: the same of all those rules.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        judging: Sequence[RuleBit],
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
        self._missing = [each for each in rules if each.kind in OF_WHAT_IS_MISSING]
        self._order = sum(each.bit for each in judging if each.rule.kind == ORDER)
        self.renamed = 1 << len(rules)
        self._first = len(rules) + 1
        self._bits: dict[tuple[str, Hashable], int] = {}
        self._homes: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._signs: dict[int, int] = {}
        self._others: set[str] = set()
        self.heeded = self.met = 0
        self.bits_of = {each.bit: 0 for each in self._meeting}

    def __missing__(self, written: str) -> Summand:
        if len(self) + len(self._others) >= _REMEMBERED:
            self.clear()
            self._others.clear()
        facts = None if written in self._others else self.learnt(written)
        if facts is None:
            self._others.add(written)
            raise KeyError(written)
        summand = (facts.tokens, facts.signs, facts.homes, facts)
        self[written] = summand
        return summand

    def learnt(self, written: str) -> Facts | None:
        """What the rules make of a tag; None if it is more than that."""
        # A comma is a token of its own behind words; other signs may swallow it.
        in_words = _WORDS.fullmatch(written) is not None
        prompt = self._of_words(written) if in_words else self._of_signs(written)
        if prompt is None:
            return None
        name = prompt.tags[0].name
        group = self._knowledge.group(name)
        homes = self._knowledge.homes(name, group)
        is_loose = takes_more_than_homes(name, group)
        tokens = text_count(written) if in_words else self._tokens(written)
        comma = 1 if in_words else self._tokens(f"{written},") - tokens
        own, against, bears = self._meetings(name)
        alone = self._found_in(prompt, in_words=in_words)
        signs = own | against << 1 | alone | self._traits(name)
        signs |= self._order if is_loose else 0
        signs |= self.renamed if written != name else 0
        return Facts(
            name,
            written,
            len(written) + len(SEPARATOR),
            tokens + comma,
            comma,
            in_words or comma_stands_alone(written),
            self._signs.setdefault(signs, signs),
            bears,
            group or "",
            self._homes.setdefault(homes, homes),
        )

    def _tokens(self, text: str) -> int:
        return real_tokens(text, self._dialect, negative=self._where == "negative")

    def _of_words(self, written: str) -> Prompt:
        """The tree of words that single blanks part, in which no dialect sees more than a tag."""
        return list_prompt(written, self._dialect, [Tag(written, 1.0, Span(0, len(written)))])

    def _of_signs(self, written: str) -> Prompt | None:
        """The tree of what is more than words; None if it is more than a tag."""
        prompt = parse(written, self._dialect)
        if prompt.grammar or [tag.span for tag in prompt.tags] != [Span(0, len(written))]:
            return None
        return None if _SPANNING.search(written) else prompt

    def _found_in(self, prompt: Prompt, *, in_words: bool) -> int:
        """The rules that find something in the tag alone."""
        context = Context.of(self._where, prompt, self._knowledge)
        rules = self._in_words if in_words else self._alone
        return sum(bit for bit, rule in rules if any(MATCHERS[rule.kind](context, rule)))

    def _meetings(self, name: str) -> tuple[int, int, int]:
        """What the tag is to rules on several tags, what it must not meet, what it bears on."""
        own = against = bears = 0
        for bit, rule in self._meeting:
            meeting = MEETINGS[rule.kind](name, rule, self._knowledge)
            bears |= bit if meeting.bears else 0
            if meeting.own or meeting.against:
                is_to_rule = self._given(rule, meeting.own)
                not_beside = self._given(rule, meeting.against)
                self.bits_of[bit] |= is_to_rule | not_beside
                self.met |= self.bits_of[bit]
                own |= is_to_rule
                against |= not_beside
        return own, against, bears

    def _traits(self, name: str) -> int:
        """What rules on a missing negative prompt heed of the tag."""
        traits = 0
        for rule in self._missing:
            kind = OF_WHAT_IS_MISSING[rule.kind]
            traits |= self._given(rule, kind(name, rule, self._knowledge))
        self.heeded |= traits
        return traits

    def _given(self, rule: Rule, keys: Iterable[Hashable]) -> int:
        """The bits that stand for what is something to the rule, every other one."""
        bits = 0
        for key in keys:
            place = self._first + 2 * len(self._bits)
            bits |= 1 << self._bits.setdefault((rule.code, key), place)
        return bits
