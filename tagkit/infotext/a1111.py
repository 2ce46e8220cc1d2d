"""A1111's infotext: a prompt, a negative prompt, and one line of `Key: value` pairs.

The writer dumps a value as JSON where it holds a comma, a colon or a newline, and writes a key
that equals its value bare; extensions add unquoted JSON values (`Hashes: {…}`) and lines of their
own below (`Template: …`). Everything that any of them writes is read here, in linear time.
"""

from __future__ import annotations

import json
import re

import msgspec

from tagkit.infotext.exiftool import repaired
from tagkit.infotext.inner_json import json_at, without_surrogates

NEGATIVE = "Negative prompt:"
_STEPS = re.compile(r"^Steps:(?: |$)", re.MULTILINE)
_LINE_END = re.compile(r"(?<!\r)\r+\n")
_KEY = re.compile(r'([^\s,:"][^,:\n"]*):\s*')
_QUOTED = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_VALUE_END = re.compile(r"\s*(?:,|\Z)")
_BLANK = re.compile(r"[\s,]*")
_EXTRA = re.compile(r"(\w[\w \-/]*): ?(.*)", re.DOTALL)
_COMMON = {"Sampler", "CFG scale", "Seed", "Size"}


class Infotext(msgspec.Struct, frozen=True):
    """What a picture was made with; `str()` gives A1111's text, which reads back as the same.

    negative: None where the text has no such line.
    settings: values as text, in the order in which they were written.
    source: the program whose form it was read from: a1111, comfyui, invokeai, novelai…
    """

    prompt: str
    negative: str | None = None
    settings: dict[str, str] = {}
    source: str = "a1111"

    def __str__(self) -> str:
        negative = None if self.negative is None else f"{NEGATIVE} {self.negative}"
        lines = (self.prompt or None, negative, written_settings(self.settings) or None)
        return "\n".join(line for line in lines if line is not None)


def read_infotext(text: str) -> Infotext:
    """The infotext `text`, whatever it holds: text without settings is all prompt.

    The settings line is the last one that begins `Steps:`, else the last line if it names a
    sampler, seed, size or CFG scale, two of them at least. Later lines (`Template: …`) become
    settings of their own. Lines that exiftool printed with dots for newlines are repaired.
    """
    text = repaired(_LINE_END.sub("\n", text).strip())
    start = _settings_start(text)
    prompt, negative = _prompts(text[:start])
    line, _, extra = text[start:].partition("\n")
    settings = parse_settings(line)
    for key, value in _extra_lines(extra):
        settings.setdefault(key, value)
    return Infotext(prompt, negative, settings)


def parse_settings(line: str) -> dict[str, str]:
    """The pairs of a settings line; quoted values come unquoted, JSON values as they stand."""
    settings: dict[str, str] = {}
    at = _skip_blank(line, 0)
    while at < len(line):
        key = _KEY.match(line, at)
        if key:
            value, at = _value(line, key.end())
            settings[key[1].strip()] = value
        else:
            bare, at = _plain(line, at)
            settings[bare] = bare
        at = _skip_blank(line, at)
    return settings


def written_settings(settings: dict[str, str]) -> str:
    """The settings line, as A1111 writes it; readers find it by `Steps:`, which comes first."""
    first = {"Steps": settings["Steps"]} if "Steps" in settings else {}
    return ", ".join(
        key if key == value != "Steps" else f"{key}: {_written(value)}"
        for key, value in (first | settings).items()
    )


def _settings_start(text: str) -> int:
    starts = [match.start() for match in _STEPS.finditer(text)]
    if starts:
        return starts[-1]
    last = text.rfind("\n") + 1
    return last if len(_COMMON & parse_settings(text[last:]).keys()) > 1 else len(text)


def _prompts(head: str) -> tuple[str, str | None]:
    prompt, found, negative = f"\n{head}".partition(f"\n{NEGATIVE}")
    return prompt.strip(), negative.strip() if found else None


def _extra_lines(text: str) -> list[tuple[str, str]]:
    """`Key: text` lines; a line without a key goes on with the value before it."""
    pairs: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        found = _EXTRA.fullmatch(line)
        if found:
            pairs.append((found[1].strip(), [found[2]]))
        elif pairs:
            pairs[-1][1].append(line)
    return [(key, "\n".join(lines).strip()) for key, lines in pairs]


def _value(line: str, at: int) -> tuple[str, int]:
    """The value that begins at `at`, and where it ends."""
    if line[at : at + 1] in ('"', "{", "["):
        return _json(line, at) or _quoted(line, at) or _plain(line, at)
    return _plain(line, at)


def _json(line: str, at: int) -> tuple[str, int] | None:
    found = json_at(line, at)
    if found is None or not _VALUE_END.match(line, found[1]):
        return None
    value, end = found
    return (without_surrogates(value) if isinstance(value, str) else line[at:end]), end


def _quoted(line: str, at: int) -> tuple[str, int] | None:
    """A quoted value whose escapes are not JSON's, as other writers leave it."""
    found = _QUOTED.match(line, at)
    return (found[1], found.end()) if found and _VALUE_END.match(line, found.end()) else None


def _plain(line: str, at: int) -> tuple[str, int]:
    end = line.find(",", at)
    end = len(line) if end < 0 else end
    return line[at:end].strip(), end


def _skip_blank(line: str, at: int) -> int:
    found = _BLANK.match(line, at)
    return found.end() if found else at


def _written(value: str) -> str:
    if _is_plain(value) or _is_json_container(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_plain(value: str) -> bool:
    return value == value.strip() and not re.search(r'[,:\n]|\A"', value)


def _is_json_container(value: str) -> bool:
    """Unquoted JSON is written as it was read: readers look for the bare bracket."""
    return value[:1] in ("{", "[") and "\n" not in value and _json(value, 0) == (value, len(value))
