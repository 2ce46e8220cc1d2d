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
from tagkit.rendering.blocks import Negative
from tagkit.rendering.job import Tokens
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tagkit.cards import ImageCard
    from tagkit.linting import Diagnostic
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
        self.worded = lru_cache(maxsize=None)(self._worded)
        self.refusal = lru_cache(maxsize=None)(self._refusal)

    def _worded(self, prompt: str, negative: str | Negative, fix: str) -> Wording:
        """The prompts as `fix` (safe, unsafe, off) leaves them, judged as they are then."""
        given = self._given(negative)
        report = self._linters[fix].lint(_record(prompt, given))
        positive, completed, found = report.fixed.positive, report.fixed.negative, report.remaining
        if given is not None and is_exact(negative):
            completed = given
        if fix == "off" or completed != report.fixed.negative or _meet(positive, completed):
            found = self._judge.lint(_record(positive, completed)).diagnostics
        tokens = Tokens(count_tokens(positive).real, count_tokens(completed, negative=True).real)
        codes = tuple(sorted({each.code for each in found}))
        refused = _messages(found, _REFUSING)
        missing = _messages((each for each in found if each.severity == "error"), _MISSING)
        return Wording(positive, completed, tokens, codes, refused, missing)

    def _refusal(self, prompts: tuple[str, ...]) -> str:
        """Why the prompts of one picture's passes must not be rendered together, "" if they may."""
        report = self._safety.lint(_record(", ".join(prompts), None))
        return _messages(report.diagnostics, _REFUSING)

    def _given(self, negative: str | Negative) -> str | None:
        """The negative prompt to complete, None for one that is the card's alone."""
        if isinstance(negative, str):
            return {"auto": None, "none": ""}.get(negative, negative)
        if negative.complete != "base":
            return negative.text
        return ", ".join(filter(None, (negative.text.rstrip(", "), self._card.prompt.negative)))

    @cached_property
    def _files(self) -> Files:
        return Files(self._settings)

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        """Safety rules judge whatever the settings leave out."""
        known = (*shipped_rules(), *own_rules(self._settings.rules))
        rules = selected(known, self._settings.select, self._settings.ignore)
        others = [rule for rule in rules if not rule.code.startswith(_REFUSING)]
        return (*others, *_safety_rules())

    @cached_property
    def _linters(self) -> dict[str, Linter]:
        """With `fix: off` only what completes the negative prompt is left."""
        injecting = [rule for rule in self._rules if rule.code.startswith(_INJECTING)]
        chosen = {fix: injecting if fix == "off" else self._rules for fix in _SAFETIES}
        return {
            fix: self._linter(rules, _SAFETIES[fix], self._files) for fix, rules in chosen.items()
        }

    @cached_property
    def _judge(self) -> Linter:
        return self._linter(self._rules, (), self._files)

    @cached_property
    def _safety(self) -> Linter:
        return self._linter(_safety_rules(), (), NO_FILES)

    def _linter(self, rules: Sequence[Rule], fixes: Sequence[Safety], files: Files) -> Linter:
        lexicon = lexicon_for(self._settings.lexicon)
        return Linter(self._card, rules, fixes=fixes, files=files, lexicon=lexicon)


def is_exact(negative: str | Negative | None) -> bool:
    """Whether nothing is added to it."""
    return negative == "none" or (isinstance(negative, Negative) and negative.complete == "none")


def _meet(positive: str, negative: str) -> bool:
    """Whether something of a negative prompt that was made up may stand in the prompt, too."""
    words = positive.lower()
    return any(tag in words for tag in negative.lower().split(", ") if tag)


def _messages(found: Iterable[Diagnostic], code: str) -> str:
    """What rules whose codes begin so say."""
    return "; ".join(each.message for each in found if each.code.startswith(code))


def _safety_rules() -> list[Rule]:
    return [rule for rule in shipped_rules() if rule.code.startswith(_REFUSING)]


def _record(positive: str, negative: str | None) -> Record:
    span = None if negative is None else Span(0, len(negative))
    return Record(positive, Span(0, len(positive)), 1, negative, span)
