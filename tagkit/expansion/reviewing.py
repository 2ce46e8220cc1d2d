"""The rules of lint, asked about a prompt that is being completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.documents import Record
from tagkit.linting import Linter
from tagkit.linting.matchers import MEETINGS
from tagkit.packs import shipped_rules
from tagkit.prompt import canonical
from tagkit.spans import Span

if TYPE_CHECKING:
    from tagkit.cards import ImageCard
    from tagkit.lexicon import Lexicon

IMPLIED, SAFETY, CARD = "implied", "safety", "card"

# Beginnings of rule codes, and why a tag is not added that makes such a rule speak up.
_REASONS = {"DUP102": IMPLIED, "SAF": SAFETY, "CON": CARD, "FIT103": CARD}

# A reason, the name of the tag in question, and whether it is more than information.
Objections = frozenset[tuple[str, str, bool]]


class Reviewer:
    """Asks the rules that matter here, whatever the user's settings leave out."""

    def __init__(self, card: ImageCard, dialect: str, lexicon: Lexicon | None = None) -> None:
        rules = [rule for rule in shipped_rules() if _reason(rule.code)]
        self._linter = Linter(card, rules, dialect, fixes=(), lexicon=lexicon)
        self._safety = [
            rule for rule in rules if _reason(rule.code) == SAFETY and rule.kind in MEETINGS
        ]

    def objections(self, prompt: str) -> Objections:
        """All that the rules have against a prompt."""
        found = self._linter.lint(Record(prompt, Span(0, len(prompt)), 1)).diagnostics
        return frozenset(
            (
                _reason(each.code),
                canonical(prompt[each.span.start : each.span.end]),
                each.severity != "info",
            )
            for each in found
        )

    def change(self, before: Objections, after: Objections, name: str) -> str | None:
        """Why the tag `name`, which made the one of the other, is not added; None if it may be.

        Mere information counts against the tag that it is about: where a card does not mind,
        a tag may make an earlier one superfluous, but is not added when it is so itself.
        """
        new = {reason for reason, about, counts in after - before if counts or about == name}
        return next((reason for reason in (IMPLIED, SAFETY, CARD) if reason in new), None)

    def is_sexual(self, name: str) -> bool:
        """Whether there are tags beside which a safety rule forbids the tag `name`."""
        return any(
            MEETINGS[rule.kind](name, rule, self._linter.knowledge).against for rule in self._safety
        )

    def is_unsafe(self, prompt: str) -> bool:
        """Whether the prompt breaks a safety rule; such a prompt is not completed."""
        return any(reason == SAFETY for reason, _, _ in self.objections(prompt))


def _reason(code: str) -> str:
    return next((reason for start, reason in _REASONS.items() if code.startswith(start)), "")
