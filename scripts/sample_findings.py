"""What `tagkit lint` says of real prompts, drawn with a fixed seed, for reading by eye.

    python scripts/sample_findings.py prompts.jsonl [--seed 4] [--count 200] [--width 60]

prompts.jsonl: one prompt a line, `{"kind", "text"}` with `negative` and `settings` where known.
Prompts of the kinds `novelai…` are read as NovelAI's, all others as A1111's; every one is judged
by the default rules and the card baxl-v3. Prints a Markdown table: a row for every finding, with
what its safe fix makes of the text, and behind it the number of findings of each rule.
Excerpts are cut to `--width` characters.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tagkit.cards import image_card
from tagkit.documents import Record, parse_record
from tagkit.linting import Diagnostic, Linter
from tagkit.linting.diagnostics import apply_edits
from tagkit.packs import selected, shipped_rules
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

CARD = "baxl-v3"


class Excerpt(NamedTuple):
    """A few characters of a text: the finding and what stands around it."""

    before: str
    after: str = ""


def read_prompts(path: Path) -> list[dict[str, str]]:
    """The prompts of a file, one JSON object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def record_of(prompt: dict[str, str]) -> Record:
    """The prompt with its negative and settings, each in a place of its own.

    A text without them may be a whole record, as A1111 saves it.
    """
    if prompt.keys().isdisjoint(("negative", "settings")):
        return parse_record(prompt["text"])
    spans, at = [], 0
    for name in ("text", "negative", "settings"):
        end = at + len(prompt.get(name, ""))
        spans.append(Span(at, end) if name in prompt else None)
        at = end + 1
    _, negative, settings = spans
    whole = Span(0, len(prompt["text"]))
    said = prompt.get("negative"), negative, prompt.get("settings"), settings
    return Record(prompt["text"], whole, 1, *said)


def excerpt(text: str, found: Diagnostic, width: int) -> Excerpt:
    """The finding's place in `text`, and what its safe fix makes of that place."""
    if found.fix is None or found.fix.safety != "safe":
        return Excerpt(_around(text, found.span, width))
    edits = found.fix.edits
    first, last = min(e.span.start for e in edits), max(e.span.end for e in edits)
    start, end = max(0, min(first, found.span.start) - 8), max(last, found.span.end) + 8
    tail = len(text[end:])
    after = apply_edits(text, list(edits))
    return Excerpt(_cut(text[start:end], width), _cut(after[start : len(after) - tail], width))


def _around(text: str, span: Span, width: int) -> str:
    room = max(0, width - (span.end - span.start)) // 2
    return _cut(text[max(0, span.start - room) : span.end + room], width)


def _cut(text: str, width: int) -> str:
    half = width // 2 - 1
    return text if len(text) <= width else f"{text[:half]}…{text[-half:]}"


def _cell(text: str) -> str:
    """The text as a cell of a Markdown table."""
    said = text.replace("\n", "⏎").replace("|", "\\|").replace("`", "'")
    return f"`{said}`" if said else ""


def rows(prompts: list[dict[str, str]], width: int) -> Iterator[tuple[str, ...]]:
    """Number of the prompt, kind, code, severity, place, excerpt, safe fix and message."""
    rules, card = selected(shipped_rules(), (), ()), image_card(CARD)
    linters = {name: Linter(card, rules, name) for name in ("novelai", "a1111")}
    for number, prompt in enumerate(prompts, start=1):
        dialect = "novelai" if prompt["kind"].startswith("novelai") else "a1111"
        document = "\n".join(prompt.get(name, "") for name in ("text", "negative", "settings"))
        for found in linters[dialect].lint(record_of(prompt)).diagnostics:
            part = excerpt(document, found, width)
            yield (
                str(number),
                prompt["kind"],
                found.code,
                found.severity,
                found.where,
                _cell(part.before),
                _cell(part.after),
                found.message,
            )


def main() -> None:
    """Prints the table and the totals."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("prompts", type=Path)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--width", type=int, default=60)
    options = parser.parse_args()
    drawn = random.Random(options.seed).sample(read_prompts(options.prompts), options.count)
    totals: Counter[str] = Counter()
    print("| # | kind | code | severity | in | found | safe fix | message |")
    print("|" + "---|" * 8)
    for row in rows(drawn, options.width):
        totals[row[2]] += 1
        print(f"| {' | '.join(row)} |")
    print("\n".join(["", *(f"{code} {count}" for code, count in sorted(totals.items()))]))


if __name__ == "__main__":
    main()
