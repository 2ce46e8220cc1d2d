"""A glance at a prompt of plain tags: which rules can find anything in it at all.

Tags recur without end, and most prompts break few rules. So what the rules make of a tag is worked
out once: which of them find something in it alone, and what it must not stand beside. The glance
may suspect a rule in vain; it never leaves out one that would find something.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tagkit.clip import CHUNK
from tagkit.clip.counts import text_count
from tagkit.linting.context import Context
from tagkit.linting.matchers import ALONE, MATCHERS, MEETINGS, OF_WHAT_IS_MISSING
from tagkit.linting.matchers.order import home_behind
from tagkit.prompt import parse
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from tagkit.linting.classify import Knowledge
    from tagkit.linting.diagnostics import Where
    from tagkit.packs import Rule

_REMEMBERED = 1 << 16
_TEXTS_REMEMBERED = 64  # a prompt is looked at a few times while it is fixed, then no more
_SEPARATOR = ", "
_SPANNING = ('"', "/*")  # what stands between two of these may hold commas that part no tags
_REPEATED, _ORDER, _LENGTH = "repeated", "order", ("length", "cut-by-chunk")
_GLANCED = frozenset({_REPEATED, _ORDER, *_LENGTH}) | ALONE | MEETINGS.keys()


class Facts(NamedTuple):
    """What is known of one tag as it is written.

    alone: the rules that find something in it by itself, a bit each. own, against: what it is and
    what it must not meet, bits that the screen gives out. tokens: CLIP's, with the comma behind it.
    homes: its places in the card's order. `None` instead of facts: a text that is no plain tag.
    """

    name: str
    tokens: int
    alone: int
    own: int
    against: int
    homes: tuple[int, ...]


class Glance(NamedTuple):
    """What a glance shows.

    rules: those that may find something, a bit each, the first one's lowest. heeded: stands for
    all that rules on a missing negative prompt heed of this positive one.
    """

    rules: int
    heeded: int


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
        self._most_tokens = min(knowledge.card.prompt.limit or CHUNK, CHUNK)
        self._keys: dict[tuple[int, Hashable], int] = {}
        self._keys_of: dict[int, int] = {}
        self._heeded = 0
        self._facts = lru_cache(_REMEMBERED)(self._learn)
        self.glance = lru_cache(_TEXTS_REMEMBERED)(self._glance)

    def suspects(self, text: str) -> int:
        """The rules that may find something in `text`, as a glance shows it or to be safe."""
        glance = self.glance(text)
        return glance.rules if glance else self._everything

    def _glance(self, text: str) -> Glance | None:
        """A glance at `text`; None if it is more than plain tags."""
        facts = [self._facts(piece) for piece in text.split(_SEPARATOR)]
        if None in facts or any(mark in text for mark in _SPANNING):
            return None
        return self._summed(facts)  # type: ignore[arg-type]

    def _summed(self, tags: Sequence[Facts]) -> Glance:
        found, own, against, tokens, rank = self._always, 0, 0, 0, 0
        for _, size, alone, mine, others, homes in tags:
            found |= alone
            own |= mine
            against |= others
            tokens += size
            if homes:
                if homes[-1] < rank:
                    found |= self._order
                rank = home_behind(homes, rank)
        if len({tag[0] for tag in tags}) < len(tags):
            found |= self._repeated
        if tokens > self._most_tokens:
            found |= self._length
        if own & against:
            found |= self._clashing(own & against)
        return Glance(found, own & self._heeded)

    def _clashing(self, keys: int) -> int:
        """The rules that the bits of `keys` were given out for."""
        return sum(1 << index for index, given in self._keys_of.items() if given & keys)

    def _mask(self, condition: Callable[[Rule], bool]) -> int:
        """The rules that judge texts in this place and meet a condition."""
        return sum(
            1 << index
            for index, rule in enumerate(self._rules)
            if self._where in rule.looks_at and condition(rule)
        )

    def _learn(self, written: str) -> Facts | None:
        prompt = parse(written, self._dialect)
        if prompt.grammar or [tag.span for tag in prompt.tags] != [Span(0, len(written))]:
            return None
        name = prompt.tags[0].name
        group = self._knowledge.group(name)
        alone = self._found_in(written)
        if group == "artist":  # it changes what the words beside it are taken for
            alone |= self._order
        own, against = self._meetings(name)
        homes = self._knowledge.homes(name, group)
        return Facts(name, text_count(f"{written},"), alone, own, against, homes)

    def _found_in(self, written: str) -> int:
        """The rules that find something in the tag alone."""
        context = Context.of(self._where, written, self._dialect, self._knowledge)
        return self._mask(
            lambda rule: rule.kind in ALONE and any(MATCHERS[rule.kind](context, rule))
        )

    def _meetings(self, name: str) -> tuple[int, int]:
        """What the tag is, and what it must not meet, in the eyes of all rules on pairs."""
        own = against = 0
        for index, rule in enumerate(self._rules):
            if rule.kind in OF_WHAT_IS_MISSING:
                heeded = OF_WHAT_IS_MISSING[rule.kind](name, rule, self._knowledge)
                own |= self._keyed(index, heeded)
                self._heeded |= own & self._keys_of[index]
            elif rule.kind in MEETINGS and self._where in rule.looks_at:
                meeting = MEETINGS[rule.kind](name, rule, self._knowledge)
                own |= self._keyed(index, meeting.own)
                against |= self._keyed(index, meeting.against)
        return own, against

    def _keyed(self, index: int, keys: Iterable[Hashable]) -> int:
        mask = 0
        for key in keys:
            mask |= self._keys.setdefault((index, key), 1 << len(self._keys))
        self._keys_of[index] = self._keys_of.get(index, 0) | mask
        return mask
