"""A glance at a prompt of plain tags: which rules can find anything in it, and in which tags.

Tags recur without end, and most prompts break few rules. So what the rules make of a tag is worked
out once: which of them find something in it alone, and what it must not stand beside. The glance
may suspect a rule in vain; it never leaves out one that would find something.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tagkit.clip import CHUNK, real_tokens
from tagkit.linting.context import Context
from tagkit.linting.matchers import ALONE, MATCHERS, MEETINGS, OF_SIGNS, OF_TAGS, OF_WHAT_IS_MISSING
from tagkit.linting.matchers.order import home_behind
from tagkit.prompt import Tag, parse
from tagkit.prompt.plain import Excerpt, list_prompt
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule
    from tagkit.prompt import Prompt

_REMEMBERED = 1 << 16
_SEPARATOR = ", "
# What begins a quote, a comment, an extra network, or brackets that are text here and signs of
# another dialect: commas within those part no tags.
_SPANNING = re.compile(r'"|/\*|<\w+:|[\[{]')
_WORDS = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*")  # in these no grammar sees a sign
_REPEATED, _ORDER, _LENGTH = "repeated", "order", ("length", "cut-by-chunk")
_GLANCED = frozenset({_REPEATED, _ORDER, *_LENGTH}) | ALONE | MEETINGS.keys()


class _Bit(NamedTuple):
    """A rule and its bit in masks."""

    bit: int
    rule: Rule


class Facts(NamedTuple):
    """What is known of one tag as it is written; masks have a bit for each rule.

    size: its length. tokens: CLIP's, with the comma behind it and without. alone: the rules that
    find something in it by itself. concerned: those and the ones that `own` and `against` are of:
    what it is to rules on several tags and what it must not meet, as keys that the screen gives
    out. heeded: what rules on a missing negative prompt heed of it. homes: its places in the
    card's order.
    """

    name: str
    size: int
    tokens: int
    tokens_at_end: int
    alone: int
    concerned: int
    own: tuple[int, ...]
    against: tuple[int, ...]
    heeded: int
    homes: tuple[int, ...]


class _Known(dict[str, Facts]):
    """Facts of tags, learnt when they are first asked for. KeyError for what is no plain tag."""

    def __init__(self, learn: Callable[[str], Facts | None]) -> None:
        super().__init__()
        self._learn = learn
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


class Glance(NamedTuple):
    """What a glance shows of a text.

    rules: those that may find something, a bit each, the first one's lowest. heeded: stands for
    all that rules on a missing negative prompt heed of this positive one. tokens: CLIP's.
    """

    text: str
    rules: int
    heeded: int
    tokens: int
    tags: Sequence[Facts]


class Screen:
    """Says of texts in one place, positive or negative, which of `rules` may find something."""

    def __init__(
        self, rules: Sequence[Rule], knowledge: Knowledge, where: Where, dialect: str
    ) -> None:
        self._rules = rules
        self._knowledge = knowledge
        self._where = where
        self._dialect = dialect
        self._always = self._mask(lambda rule: rule.kind not in _GLANCED)
        self._everything = self._mask(lambda rule: True)
        self._repeated = self._mask(lambda rule: rule.kind == _REPEATED)
        self._order = self._mask(lambda rule: rule.kind == _ORDER)
        self._length = self._mask(lambda rule: rule.kind in _LENGTH)
        self._of_tags = self._mask(lambda rule: rule.kind in OF_TAGS)
        self._alone = self._judging(lambda rule: rule.kind in ALONE)
        self._in_words = [each for each in self._alone if each.rule.kind not in OF_SIGNS]
        self._meeting = self._judging(lambda rule: rule.kind in MEETINGS)
        self._missing = [each for each in rules if each.kind in OF_WHAT_IS_MISSING]
        self._most_tokens = min(knowledge.card.prompt.limit or CHUNK, CHUNK)
        self._keys: dict[tuple[int, Hashable], int] = {}
        self._rule_of: list[int] = []  # the bit of the rule that a key was given out for
        self._heeded: dict[tuple[str, Hashable], int] = {}
        self._facts = _Known(self._learn)
        self._homes: dict[tuple[int, ...], tuple[int, ...]] = {}

    def glance(self, text: str) -> Glance | None:
        """A glance at `text`; None if it is more than plain tags."""
        known = self._facts
        try:
            tags = [known[piece] for piece in text.split(_SEPARATOR)]
        except KeyError:
            return None
        return self._summed(text, tags)

    def suspects(self, text: str) -> int:
        """The rules that may find something in `text`, as a glance shows it or to be safe."""
        glance = self.glance(text)
        return glance.rules if glance else self._everything

    def prompt(self, glance: Glance) -> Prompt:
        """As much of the prompt's tree as the rules need that may find something in it."""
        if glance.rules & ~self._of_tags:
            return list_prompt(glance.text, self._dialect, _placed(glance.tags))
        if glance.rules & (self._order | self._repeated):
            return self._excerpt(glance.text, _placed(glance.tags))
        return self._excerpt(glance.text, _placed(glance.tags, glance.rules))

    def _excerpt(self, text: str, tags: Sequence[Tag]) -> Prompt:
        return Excerpt(text, self._dialect, (), tuple(tags), ())

    def _summed(self, text: str, tags: Sequence[Facts]) -> Glance:
        found, tokens, rank, heeded = self._always, 0, 0, 0
        own: set[int] = set()
        against: set[int] = set()
        last: tuple[int, ...] = ()
        for _, _, size, _, alone, _, mine, others, trait, homes in tags:
            tokens += size
            if alone or trait:
                found |= alone
                heeded |= trait
            if mine:
                own.update(mine)
            if others:
                against.update(others)
            if homes is not last and homes:  # behind one of the same homes nothing is new
                last = homes
                if homes[-1] < rank:
                    found |= self._order
                rank = home_behind(homes, rank)
        tokens += tags[-1].tokens_at_end - tags[-1].tokens
        if len({each[0] for each in tags}) < len(tags):
            found |= self._repeated
        if tokens > self._most_tokens:
            found |= self._length
        for key in own & against:
            found |= self._rule_of[key]
        return Glance(text, found, heeded, tokens, tags)

    def _judging(self, condition: Callable[[Rule], bool]) -> list[_Bit]:
        """The rules that judge texts in this place and meet a condition."""
        return [
            _Bit(1 << index, rule)
            for index, rule in enumerate(self._rules)
            if self._where in rule.looks_at and condition(rule)
        ]

    def _mask(self, condition: Callable[[Rule], bool]) -> int:
        return sum(each.bit for each in self._judging(condition))

    def _learn(self, written: str) -> Facts | None:
        prompt = parse(written, self._dialect)
        if prompt.grammar or [tag.span for tag in prompt.tags] != [Span(0, len(written))]:
            return None
        if _SPANNING.search(written):
            return None
        name = prompt.tags[0].name
        group = self._knowledge.group(name)
        alone = self._found_in(written)
        if group == "artist":  # it changes what the words beside it are taken for
            alone |= self._order
        own, against = self._meetings(name)
        homes = self._knowledge.homes(name, group)
        tokens = self._tokens(written)
        # A comma is a token of its own behind words; other signs may swallow it.
        has_signs = not _WORDS.fullmatch(written)
        with_comma = self._tokens(f"{written},") if has_signs else tokens + 1
        return Facts(
            name,
            len(written),
            with_comma,
            tokens,
            alone,
            sum({self._rule_of[key] for key in own + against}) | alone,
            own,
            against,
            self._traits(name),
            self._homes.setdefault(homes, homes),
        )

    def _tokens(self, text: str) -> int:
        return real_tokens(text, self._dialect, negative=self._where == "negative")

    def _found_in(self, written: str) -> int:
        """The rules that find something in the tag alone."""
        context = Context.of(self._where, written, self._dialect, self._knowledge)
        rules = self._in_words if _WORDS.fullmatch(written) else self._alone
        return sum(bit for bit, rule in rules if any(MATCHERS[rule.kind](context, rule)))

    def _meetings(self, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What the tag is, and what it must not meet, in the eyes of all rules on pairs."""
        own: list[int] = []
        against: list[int] = []
        for bit, rule in self._meeting:
            meeting = MEETINGS[rule.kind](name, rule, self._knowledge)
            own += self._keyed(bit, meeting.own)
            against += self._keyed(bit, meeting.against)
        return tuple(own), tuple(against)

    def _keyed(self, bit: int, keys: Iterable[Hashable]) -> Iterator[int]:
        for key in keys:
            number = self._keys.setdefault((bit, key), len(self._rule_of))
            if number == len(self._rule_of):
                self._rule_of.append(bit)
            yield number

    def _traits(self, name: str) -> int:
        """What rules on a missing negative prompt heed of the tag, a bit each."""
        traits = 0
        for rule in self._missing:
            for key in OF_WHAT_IS_MISSING[rule.kind](name, rule, self._knowledge):
                traits |= self._heeded.setdefault((rule.code, key), 1 << len(self._heeded))
        return traits


def _placed(tags: Sequence[Facts], concerned: int = -1) -> list[Tag]:
    """Tags that stand one behind the other: those that some of these rules concern."""
    placed, at, step = [], 0, len(_SEPARATOR)
    for facts in tags:
        end = at + facts.size
        if concerned < 0 or facts.concerned & concerned:
            placed.append(Tag(facts.name, 1.0, Span(at, end)))
        at = end + step
    return placed
