"""How many findings there are, and how many have a fix."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.linting.batch import LintedDocument

MARKS = {"safe": "[*] ", "unsafe": "[?] "}


class Counts:
    """Counts documents as they go by, so that none of them must be kept."""

    def __init__(self) -> None:
        self._prompts = 0
        self._severities: Counter[str] = Counter()
        self._safeties: Counter[str] = Counter()

    def add(self, document: LintedDocument) -> None:
        """Counts the prompts of one more document and what was found in them."""
        self._prompts += len(document.prompts)
        for each in document.diagnostics():
            self._severities[each.severity] += 1
            if each.fix:
                self._safeties[each.fix.safety] += 1

    def summary(self) -> Iterator[str]:
        """One line for all documents; none if there was none."""
        if not self._prompts:
            return
        checked = f"{self._prompts} prompt{'' if self._prompts == 1 else 's'}"
        if not self._severities:
            yield f"No problems in {checked}."
            return
        counts = [
            f"{number} {severity}{'' if number == 1 else 's'}"
            for severity in ("error", "warning", "info")
            if (number := self._severities[severity])
        ]
        said = f"Found {', '.join(counts)} in {checked}."
        for safety, option in (("safe", "--fix"), ("unsafe", "--fix --unsafe-fixes")):
            if number := self._safeties[safety]:
                said += f" {MARKS[safety]}{number} fixable with {option}."
        yield said
