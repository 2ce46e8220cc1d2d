"""File names of pictures from a template; no name leaves the output folder."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

import msgspec

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = "{index:05d}-{seed}"
# What is being written lies beside its place under this name, so that it appears as a whole.
UNFINISHED = re.compile(r"\..*\.\d+\.tmp")
_SPECIFICATION = re.compile(r"[<>^]?0?\d{0,3}(?:\.\d{1,3})?[dfgs]?")
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_SEPARATOR = re.compile(r"[/\\]")
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_WORDS = re.compile(r"\w+")
_LONGEST_SLUG = 60
_MOST_BYTES = 200


class Values(msgspec.Struct, frozen=True):
    """What a template may name. `prompt` comes shortened to its words, joined with hyphens."""

    index: int
    seed: int
    model: str
    id: str
    prompt: str
    steps: int
    cfg: float
    sampler: str
    width: int
    height: int


_SAMPLE = Values(0, 1, "model", "0", "prompt", 1, 1.0, "euler-a", 8, 8)


def file_name(template: str, values: Values, suffix: str) -> str:
    """The file's path inside the output folder, parted by `/`.

    Raises UserError for a template that `template_problem` finds wrong.
    """
    if problem := template_problem(template):
        raise UserError(f"`filename: {template}`: {problem}")
    inner = {name: _inner(value) for name, value in msgspec.structs.asdict(values).items()}
    inner["prompt"] = slug(values.prompt)
    parts = [_portable(part) for part in _parts(template.format(**inner))]
    return "/".join(parts) + suffix


def template_problem(template: str) -> str | None:
    """What is wrong with a template, or None."""
    try:
        fields = list(_fields(template))
    except ValueError as error:
        return str(error).lower()
    for name, specification in fields:
        if name not in Values.__struct_fields__:
            return f"there is no `{{{name}}}`; there are {', '.join(Values.__struct_fields__)}"
        if not _SPECIFICATION.fullmatch(specification):
            return f"`:{specification}` is no form for `{name}`"
    try:
        filled = template.format(**msgspec.structs.asdict(_SAMPLE))
    except ValueError as error:
        return str(error).lower()
    if any(part in ("", ".", "..") for part in _parts(filled)) or _DRIVE.match(filled):
        return "a file name must stay inside the output folder"
    return None


def slug(prompt: str) -> str:
    """The first words of a prompt as a file name."""
    return "-".join(_WORDS.findall(prompt.lower()))[:_LONGEST_SLUG].strip("-") or "empty"


def numbered(name: str, number: int) -> str:
    """`a/b.png` as `a/b-2.png`."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{number}{dot}{suffix}"


def _fields(template: str) -> Iterator[tuple[str, str]]:
    for _, name, specification, conversion in string.Formatter().parse(template):
        if name is not None:
            yield name + (f"!{conversion}" if conversion else ""), specification or ""


def _parts(name: str) -> list[str]:
    """Backslashes part folders too: the name must mean the same on every machine."""
    return _SEPARATOR.split(name)


def _inner(value: object) -> object:
    return _SEPARATOR.sub("-", value) if isinstance(value, str) else value


def _portable(part: str) -> str:
    """A name that every file system takes."""
    part = _FORBIDDEN.sub("-", part).rstrip(". ")
    part = part.encode()[:_MOST_BYTES].decode(errors="ignore")
    return f"_{part}" if not part or _RESERVED.fullmatch(part) or part[0] == "." else part
