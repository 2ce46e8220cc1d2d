"""Which of the tags that a model writes are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tagkit.cards import ImageCard, Overfit
from tagkit.clip import count_tokens
from tagkit.expansion.bans import Condition, NameTest, own_name
from tagkit.expansion.placing import rank_of, typed
from tagkit.expansion.recipes import COUNTED, kind_of
from tagkit.expansion.reviewing import CARD, SAFETY, Reviewer
from tagkit.lexicon import Lexicon
from tagkit.linting.patterns import name_test
from tagkit.prompt import canonical

if TYPE_CHECKING:
    from tagkit.expansion.placing import Places

SEXUAL = "sexual"  # the lexicon's group of tags that are never added

_SMALLEST_TAG = 2  # CLIP tokens of a comma and one word


class HouseRules(msgspec.Struct, frozen=True):
    """What holds for all prompts of a run.

    banned, conditions: the user's bans and the card's. banned_groups, allowed_groups: curated
    groups, or categories. discouraged, overfit: what else the card speaks against; an overfit trait
    may be added to a prompt that asks for it. reviewer: what the rules of lint say of a prompt.
    """

    card: ImageCard
    lexicon: Lexicon
    banned: NameTest
    conditions: tuple[Condition, ...]
    banned_groups: frozenset[str]
    allowed_groups: frozenset[str]
    discouraged: NameTest
    overfit: tuple[Overfit, ...]
    reviewer: Reviewer

    def objection(self, name: str) -> str | None:
        """Why the tag is not taken whatever the prompt says; None if there is no reason."""
        kind = kind_of(name, self.lexicon)
        entry = self.lexicon.find(name) if kind != "artist" else None
        groups = {kind, entry.category, entry.group} if entry and entry.group else {kind}
        if self.banned(name):
            return "banned"
        if groups & self.banned_groups:
            return "group"
        if kind not in COUNTED and not groups & self.allowed_groups:
            return "category"
        if SEXUAL in groups or self.reviewer.is_sexual(name):
            return SAFETY
        return CARD if self.discouraged(name) else None


class Ledger:
    """The judge of one row; it keeps what was taken, and the prompt that this makes.

    said: names that the prompt has. missing: people counts and general tags still wanted; below 0
    where there are more. spare: how many may come beyond those, limit: CLIP tokens that the prompt
    may have; None for any number.
    """

    def __init__(
        self,
        rules: HouseRules,
        places: Places,
        said: frozenset[str],
        missing: int,
        spare: int | None,
        limit: int | None,
    ) -> None:
        self.added: list[str] = []
        self.text = places.text
        self.tokens = count_tokens(places.text, places.dialect).real
        self.missing = missing
        self._rules = rules
        self._places = places
        self._dialect = places.dialect
        self._said = {own_name(name, rules.lexicon) for name in said}
        self._limit = limit
        self._spare = spare
        self._ranked: list[tuple[str, int]] = []
        self._objections = rules.reviewer.objections(places.text)
        self._unasked = [
            name_test(each.pattern)
            for each in rules.overfit
            if not any(map(name_test(each.unless), said))
        ]

    @property
    def full(self) -> bool:
        """Whether not even the shortest tag fits, or the prompt has as many as it may have."""
        if self._spare is not None and self.missing + self._spare <= 0:
            return True
        return self._limit is not None and self.tokens + _SMALLEST_TAG > self._limit

    def __call__(self, tag: str) -> str | None:
        """Take `tag`, an alias as the name that it stands for, or say why not."""
        name = own_name(canonical(tag), self._rules.lexicon)
        if name in self._said:
            return "repeated"
        if any(each.forbids(name, self._said, self.added) for each in self._rules.conditions):
            return "banned"
        reason = self._rules.objection(name)
        if reason is None and any(test(name) for test in self._unasked):
            reason = CARD
        return reason or self._taken(name)

    def _taken(self, name: str) -> str | None:
        spelling = typed(name, self._dialect)
        if spelling is None:
            return "category"
        rank = rank_of(name, self._rules.card, self._rules.lexicon)
        ranked = [*self._ranked, (spelling, rank)]
        text = self._places.filled(ranked)
        objections = self._rules.reviewer.objections(text)
        reason = self._rules.reviewer.change(self._objections, objections, name)
        if reason:
            return reason
        tokens = count_tokens(text, self._dialect).real
        if self._limit is not None and tokens > self._limit:
            return "over-budget"
        self.text, self.tokens = text, tokens
        self._ranked, self._objections = ranked, objections
        self.added.append(name)
        self._said.add(name)
        self.missing -= kind_of(name, self._rules.lexicon) in COUNTED
        return None
