"""Words that must never stand together."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.infotext.a1111 import parse_settings
from tagkit.linting.diagnostics import Finding
from tagkit.linting.matchers.meeting import Meeting
from tagkit.linting.tables import words
from tagkit.prompt import canonical, parse
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.lexicon import Lexicon
    from tagkit.linting.classify import Knowledge
    from tagkit.linting.context import Context
    from tagkit.packs import Rule

_REMEMBERED = 1 << 16
_THOSE = frozenset({"those"})
_LONGEST = 4  # words of a phrase
_NAMED = frozenset({"character", "copyright"})
_AGE = re.compile(r"\b(\d{1,2})[ -]*(?:yo\b|y/o\b|years?[ -]olds?\b)")
_WORD = re.compile(r"\w+")


class Together(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule's settings: tables of words, and what only looks like one of them.

    these, those: the tables. those_below: an age in years that counts as one of `those` if it is
    lower.
    """

    these: str
    those: str
    those_below: int = 0
    harmless: tuple[str, ...] = ()


def never_together(context: Context, rule: Rule) -> Iterator[Finding]:
    """A word of the table `these` anywhere in the positive texts with one of the table `those`.

    All sections and alternatives and the prompts of hires fix and detailers count as one text. A
    word may stand inside a longer tag; the qualifier in the name of a known character or series
    is none of `these`.
    """
    pair = context.knowledge.prepared(rule, word_pair)
    whole = Span(0, len(context.positive.text))
    names = [(tag.name, tag.span) for tag in context.positive.tags]
    names += [(name, whole) for name in _further_names(context)]
    this = pair.these.first(names)
    that = pair.those.first(names) if this else None
    if this and that:
        yield Finding("positive", this[1], {"this": this[0], "that": that[0]})


def together_meeting(name: str, rule: Rule, knowledge: Knowledge) -> Meeting:
    """What says one of `these` meets what says one of `those`, itself included."""
    pair = knowledge.prepared(rule, word_pair)
    own = _THOSE if pair.those.says(name) else frozenset[str]()
    return Meeting(own, _THOSE if pair.these.says(name) else frozenset())


def _further_names(context: Context) -> Iterator[str]:
    """Names of the prompts that a settings line holds, negative ones left out."""
    if "prompt" not in context.settings.lower():
        return
    for key, text in parse_settings(context.settings).items():
        if "prompt" in key.lower() and "negative" not in key.lower():
            yield from (tag.name for tag in parse(text, context.positive.dialect).tags)


def word_pair(rule: Rule, knowledge: Knowledge) -> _Pair:
    """The words of both tables. Raises UserError for a broken one."""
    settings = msgspec.convert(rule.settings, Together)
    return _Pair(
        _Words(words(settings.these), settings.harmless, unqualified_by=knowledge.lexicon),
        _Words(words(settings.those), settings.harmless, below=settings.those_below),
    )


def _unqualified(name: str, lexicon: Lexicon) -> str:
    """A known character's or series' name up to its first bracket; any other name as it is."""
    plain, bracket, _ = name.partition(" (")
    entry = lexicon.find(name) if bracket else None
    return plain if entry and entry.category in _NAMED else name


class _Words:
    """Phrases to look for. Names recur without end, so the last answers are kept.

    below: an age in years under which a person counts too. unqualified_by: a lexicon; the names
    of characters and series that it knows are judged without their qualifiers. A phrase in a
    script that parts no words is found inside of others.
    """

    def __init__(
        self,
        phrases: Sequence[str],
        harmless: Sequence[str],
        *,
        below: int = 0,
        unqualified_by: Lexicon | None = None,
    ) -> None:
        self._phrases = frozenset(" ".join(_WORD.findall(each)) for each in phrases)
        self._beginnings = frozenset(each.split()[0] for each in self._phrases if each)
        self._parts = tuple(each for each in phrases if not each.isascii())
        self._harmless = harmless
        self._below = below
        self._lexicon = unqualified_by
        self.says = lru_cache(_REMEMBERED)(self._is_said_in)

    def first(self, names: Sequence[tuple[str, Span]]) -> tuple[str, Span] | None:
        """The first of canonical names, with their places, that says one of them."""
        return next((each for each in names if self.says(each[0])), None)

    def _is_said_in(self, name: str) -> bool:
        """Whether a canonical name says one of them."""
        if self._lexicon:
            name = _unqualified(name, self._lexicon)
        text = name if name.isascii() else canonical(unicodedata.normalize("NFKC", name))
        for each in self._harmless:
            text = text.replace(each, "")
        said = _WORD.findall(text)
        return (
            (not self._beginnings.isdisjoint(said) and self._is_a_phrase_of(said))
            or (not text.isascii() and any(part in text for part in self._parts))
            or (self._below > 0 and any(int(age[1]) < self._below for age in _AGE.finditer(text)))
        )

    def _is_a_phrase_of(self, said: Sequence[str]) -> bool:
        return any(
            " ".join(said[start:end]) in self._phrases
            for start, word in enumerate(said)
            if word in self._beginnings
            for end in range(start + 1, min(start + _LONGEST, len(said)) + 1)
        )


class _Pair(NamedTuple):
    these: _Words
    those: _Words
