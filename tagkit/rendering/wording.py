"""Prompts made ready: fixed by the rules, with the negative prompt that the card wants."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import msgspec

from tagkit.clip import count_tokens
from tagkit.documents import Record
from tagkit.lexicon import lexicon_for
from tagkit.linting import Linter
from tagkit.linting.files import NO_FILES, Files
from tagkit.linting.own_rules import own_rules
from tagkit.packs import selected, shipped_rules
from tagkit.rendering.fields import Negative
from tagkit.rendering.job import Tokens
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.cards import ImageCard
    from tagkit.packs import Rule, Safety
    from tagkit.settings import Settings

_INJECTING = "NEG"
_REFUSING = "SAF"
_MISSING = "LOR"
_SAFETIES: dict[str, tuple[Safety, ...]] = {
    "off": ("safe",),
    "safe": ("safe",),
    "unsafe": ("safe", "unsafe"),
}


class Wording(msgspec.Struct, frozen=True):
    """Both prompts as they are rendered.

    codes: what the rules still find in them. refused: the message of a safety rule, if any.
    missing: what a rule says of a file that they name and the user lacks, if any.
    """

    positive: str
    negative: str
    tokens: Tokens
    codes: tuple[str, ...]
    refused: str
    missing: str = ""


class Editor:
    """Words the prompts of one card; the same words are worked out once."""

    def __init__(self, card: ImageCard, settings: Settings) -> None:
        self._card = card
        self._settings = settings
        self.fixed = lru_cache(maxsize=None)(self._fixed)
        self.judged = lru_cache(maxsize=None)(self._judged)

    def _fixed(self, prompt: str, negative: str | Negative, fix: str) -> tuple[str, str]:
        """The prompt as `fix` (safe, unsafe, off) leaves it, and its negative prompt."""
        if not isinstance(negative, Negative):
            return self._completed(prompt, negative, fix)
        given = negative.text
        if negative.complete == "base":
            given = ", ".join(filter(None, (given.rstrip(", "), self._card.prompt.negative)))
        positive, completed = self._completed(prompt, given, fix)
        return positive, given if negative.complete == "none" else completed

    def _completed(self, prompt: str, negative: str, fix: str) -> tuple[str, str]:
        if negative == "none":
            return self._completed(prompt, "", fix)[0], ""
        linter = self._linters[fix]
        given = None if negative == "auto" else negative
        texts = linter.lint(_record(prompt, given)).fixed
        return texts.positive, texts.negative

    def _judged(self, positive: str, negative: str) -> Wording:
        """Final words, counted and judged; nothing is changed here."""
        found = self._judge.lint(_record(positive, negative)).diagnostics
        refusals = [each.message for each in found if each.code.startswith(_REFUSING)]
        tokens = Tokens(count_tokens(positive).real, count_tokens(negative, negative=True).real)
        codes = tuple(sorted({each.code for each in found}))
        missing = [
            each.message
            for each in found
            if each.severity == "error" and each.code.startswith(_MISSING)
        ]
        return Wording(positive, negative, tokens, codes, "; ".join(refusals), "; ".join(missing))

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        known = (*shipped_rules(), *own_rules(self._settings.rules))
        return selected(known, self._settings.select, self._settings.ignore)

    @cached_property
    def _linters(self) -> dict[str, Linter]:
        """With `fix: off` only what completes the negative prompt is left."""
        injecting = [rule for rule in self._rules if rule.code.startswith(_INJECTING)]
        return {
            fix: self._linter(injecting if fix == "off" else self._rules, allowed)
            for fix, allowed in _SAFETIES.items()
        }

    @cached_property
    def _judge(self) -> Linter:
        """Safety rules judge whatever the settings leave out."""
        safety = [rule for rule in shipped_rules() if rule.code.startswith(_REFUSING)]
        others = [rule for rule in self._rules if rule not in safety]
        return self._linter([*others, *safety], (), Files(self._settings))

    def _linter(
        self, rules: Sequence[Rule], fixes: Sequence[Safety], files: Files = NO_FILES
    ) -> Linter:
        lexicon = lexicon_for(self._settings.lexicon)
        return Linter(self._card, rules, fixes=fixes, files=files, lexicon=lexicon)


def _record(positive: str, negative: str | None) -> Record:
    span = None if negative is None else Span(0, len(negative))
    return Record(positive, Span(0, len(positive)), 1, negative, span)
