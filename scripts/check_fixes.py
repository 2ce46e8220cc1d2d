"""Fixes every prompt of a file twice, in every card and dialect.

    python scripts/check_fixes.py prompts.jsonl

prompts.jsonl: as `scripts/sample_findings.py` reads it. A fixed prompt must have nothing left to
fix and no error that the prompt did not have; safe fixes and all fixes are tried apart. Prints the
prompts that fail and a summary; exit status 1 if any failed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from sample_findings import read_prompts, record_of

from tagkit.cards import image_card, image_cards
from tagkit.linting import Linter
from tagkit.packs import selected, shipped_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.linting import Report
    from tagkit.packs import Safety

DIALECTS = ("a1111", "comfyui", "novelai", "compel")
SAFETIES: tuple[tuple[Safety, ...], ...] = (("safe",), ("safe", "unsafe"))


def errors(report: Report) -> Counter[str]:
    """The number of errors of each rule."""
    return Counter(each.code for each in report.diagnostics if each.severity == "error")


def failures(prompt: dict[str, str], linter: Linter) -> Iterator[str]:
    """What goes wrong when the prompt is fixed, and fixed again."""
    first = linter.lint(record_of(prompt))
    after = first.fixed
    others = {"negative": after.negative, "settings": after.settings}
    said = {name: text for name, text in others.items() if text}
    again = linter.lint(record_of({"text": after.positive, **said}))
    if again.fixed != after:
        yield f"is fixed again: {again.fixed.positive!r}"
    if new := errors(again) - errors(first):
        yield f"has new errors: {', '.join(sorted(new))}"


def checked(prompts: Sequence[dict[str, str]], linter: Linter, place: str) -> int:
    """Prints what fails with this linter; returns how many prompts do."""
    failed = 0
    for number, prompt in enumerate(prompts, start=1):
        found = list(failures(prompt, linter))
        failed += bool(found)
        for failure in found:
            print(f"{place}, prompt {number} {failure}")
    return failed


def main() -> None:
    """Tries every card, dialect and safety."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("prompts", type=Path)
    prompts = read_prompts(parser.parse_args().prompts)
    rules, failed, tried = selected(shipped_rules(), (), ()), 0, 0
    for dialect in DIALECTS:
        for name in image_cards():
            for fixes in SAFETIES:
                linter = Linter(image_card(name), rules, dialect, fixes)
                failed += checked(prompts, linter, f"{dialect}, {name}, {'+'.join(fixes)}")
                tried += len(prompts)
    print(f"{tried:,} prompts fixed twice, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
