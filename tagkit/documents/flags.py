"""Prompt lines with flags: those of sd-scripts and of A1111's "Prompts from file"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tagkit.documents.values import Record
from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What the flags are called in A1111's settings line.
_SD_SCRIPTS = {"s": "Steps", "l": "CFG scale", "d": "Seed", "w": "width", "h": "height"}
_WEBUI = {
    "steps": "Steps",
    "sampler_name": "Sampler",
    "cfg_scale": "CFG scale",
    "seed": "Seed",
    "width": "width",
    "height": "height",
}
_SHORT = re.compile(r"\s--([nwhsldtgi]|am|fl|ni)\s+(.*?)\s*(?=\s--[a-z]|$)")
_LONG = re.compile(r'\s*--(\w+)\s+("(?:[^"\\]|\\.)*"|\'[^\']*\'|\S+)')


def flagged_record(text: str, start: int, line: int) -> Record | None:
    """The record of a line that begins at `start` of its document; None if it has no flags.

    Flags that no settings line has are left out.
    """
    if text.startswith("--"):
        return _webui_record(text, start, line)
    found = list(_SHORT.finditer(text)) if "--" in text else []
    if not found:
        return None
    prompt = text[: found[0].start()].rstrip()
    negative = next((each for each in found if each[1] == "n"), None)
    settings = _settings((_SD_SCRIPTS.get(each[1], ""), each[2]) for each in found)
    span = Span(*negative.span(2)).shifted(start) if negative else None
    return Record(
        prompt,
        Span(start, start + len(prompt)),
        line,
        negative[2] if negative else None,
        span,
        settings,
    )


def _webui_record(text: str, start: int, line: int) -> Record | None:
    found = {each[1]: each for each in _LONG.finditer(text)}
    if "prompt" not in found:
        return None
    prompt, prompt_span = _value(found["prompt"], start)
    pairs = ((_WEBUI.get(name, ""), _value(each, start)[0]) for name, each in found.items())
    record = Record(prompt, prompt_span, line, settings=_settings(pairs))
    if "negative_prompt" not in found:
        return record
    negative, span = _value(found["negative_prompt"], start)
    return msgspec.structs.replace(record, negative=negative, negative_span=span)


def _value(flag: re.Match[str], start: int) -> tuple[str, Span]:
    """A flag's value without its quotes, and where it stands."""
    quoted = flag[2][0] in "\"'"
    span = Span(flag.start(2) + quoted, flag.end(2) - quoted)
    return flag.string[span.start : span.end], span.shifted(start)


def _settings(pairs: Iterable[tuple[str, str]]) -> str | None:
    known: Mapping[str, str] = {key: value for key, value in pairs if key}
    sides = [known.get(side) for side in ("width", "height")]
    shown = [f"{key}: {value}" for key, value in known.items() if key[0].isupper()]
    if all(sides):
        shown.append(f"Size: {sides[0]}x{sides[1]}")
    return ", ".join(shown) or None
