"""Expansions for people and programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tagkit.documents import NEGATIVE
from tagkit.prompt import without_comments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.documents import Record
    from tagkit.expansion.expander import Expansion

VERSION = 1

_LINE_ENDS = re.compile(r"\s*[\r\n]+\s*")
_ENDINGS = {
    "full": "nothing more fits",
    "tokens": "the limit of new tokens was reached",
    "refusals": "the limit of refused tags was reached",
    "nothing": "every tag that the model could go on with was refused",
}


def as_json(expansions: Sequence[Expansion]) -> str:
    """The document of `tagkit expand --format json`."""
    document = msgspec.json.encode({"version": VERSION, "results": expansions})
    return msgspec.json.format(document, indent=2).decode()


def as_text(expansion: Expansion, record: Record) -> str:
    """The prompt on one line; a record comes back with its negative prompt and settings."""
    lines = [on_one_line(expansion.prompt)]
    if record.negative is not None:
        lines.append(f"{NEGATIVE} {on_one_line(record.negative)}")
    if record.settings:
        lines.append(record.settings)
    return "\n".join(lines)


def on_one_line(prompt: str) -> str:
    """Line ends become blanks; comments, which would swallow the lines behind them, go."""
    stripped = prompt.strip()
    if _LINE_ENDS.search(stripped):
        stripped = without_comments(stripped).strip()
    return _LINE_ENDS.sub(" ", stripped)


def explanation(expansion: Expansion) -> str:
    """What was added and what was refused, and how far that got."""
    length, clip = expansion.length, expansion.clip
    tags = f"{length.reached} tags ({length.target} asks for {length.minimum})"
    tokens = f"{clip.tokens} of {clip.limit}" if clip.limit else clip.tokens
    lines = [
        f"seed {expansion.seed}: {tags}, {tokens} CLIP tokens",
        f"  added: {', '.join(expansion.added) or 'nothing'}",
    ]
    reasons = dict.fromkeys(each.because for each in expansion.refused)
    for reason in reasons:
        refused = [each.tag for each in expansion.refused if each.because == reason]
        lines.append(f"  refused, {reason}: {', '.join(refused)}")
    if expansion.ended in _ENDINGS:
        lines.append(f"  ended because {_ENDINGS[expansion.ended]}")
    return "\n".join(lines)
