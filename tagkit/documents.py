"""Prompt files: lines, blocks and A1111 records, with their places in the file."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.errors import UserError
from tagkit.spans import LINE_END, LineMap, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SPLITS = ("lines", "blocks", "file")
NEGATIVE = "Negative prompt:"

_SETTINGS = re.compile(r"Steps: *\d")
_ONLY_NETWORKS = re.compile(r"[\s,]*(?:<\w+:[^>]+>[\s,]*)+")
_ALLOW = re.compile(r"\s*#\s*tagkit:\s*allow\s+(.+)")
_GOES_ON = re.compile(r"(?:BREAK|AND)\b")


class Record(msgspec.Struct, frozen=True):
    """One prompt of a document, with its negative prompt and settings line where it has them.

    The spans say where the three texts stand in the document; `line` counts from 1. `allowed` are
    the rule codes of a comment `# tagkit: allow CODE, CODE` on the line before it, or at the head
    of the file.
    """

    positive: str
    positive_span: Span
    line: int
    negative: str | None = None
    negative_span: Span | None = None
    settings: str | None = None
    settings_span: Span | None = None
    allowed: frozenset[str] = frozenset()


class Document(msgspec.Struct, frozen=True):
    """A prompt file: `text` without byte order mark (`bom` says whether it had one)."""

    path: str
    text: str
    records: tuple[Record, ...]
    bom: bool = False

    def encoded(self, text: str) -> bytes:
        """`text` as bytes in the encoding of this file."""
        return (("\ufeff" if self.bom else "") + text).encode()


class _Line(NamedTuple):
    text: str
    start: int
    end: int


def read_document(path: Path, split: str = "lines") -> Document:
    """Reads a UTF-8 prompt file; UserError when it cannot be read or holds no prompt."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read `{path}`", error.strerror or str(error)) from error
    return decode_document(content, str(path), split)


def decode_document(content: bytes, name: str, split: str = "lines") -> Document:
    """The document of these bytes; `name` stands for it in errors. Raises UserError."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise UserError(
            f"`{name}` is not UTF-8 text", f"byte {error.start}", "save it as UTF-8"
        ) from error
    if "\0" in text:
        raise UserError(f"`{name}` is not a text file", f"NUL at character {text.index(chr(0))}")
    document = parse_document(text.removeprefix("\ufeff"), name, split)
    if not document.records:
        raise UserError(f"`{name}` holds no prompt", "", "write one prompt a line")
    return msgspec.structs.replace(document, bom=text.startswith("\ufeff"))


def parse_document(text: str, name: str, split: str = "lines") -> Document:
    """The records of a text, which may have none."""
    lines = list(_lines(text))
    blocks = [lines] if split == "file" else list(_blocks(lines))
    line_map = LineMap(text)
    everywhere = _allowed(takewhile(_is_blank_or_comment, lines))
    records = [
        msgspec.structs.replace(record, allowed=record.allowed | everywhere)
        for block in blocks
        for record in _records(block, text, line_map, split == "lines")
    ]
    return Document(name, text, tuple(records))


def parse_record(text: str) -> Record:
    """One prompt or one record, newlines included."""
    lines = list(_lines(text))
    if any(_is_record_line(line) for line in lines):
        return _record(lines, text, LineMap(text))
    return Record(text, Span(0, len(text)), 1)


def _lines(text: str) -> Iterator[_Line]:
    start = 0
    for end in LINE_END.finditer(text):
        yield _Line(text[start : end.start()], start, end.start())
        start = end.end()
    yield _Line(text[start:], start, len(text))


def _blocks(lines: list[_Line]) -> Iterator[list[_Line]]:
    block: list[_Line] = []
    for line in lines:
        if line.text.strip() in ("", "---"):
            yield block
            block = []
        else:
            block.append(line)
    yield block


def _records(
    block: list[_Line], text: str, line_map: LineMap, a_line_each: bool
) -> Iterator[Record]:
    said = [line for line in block if not _is_comment(line)]
    if any(_is_record_line(line) for line in said):
        record = _record(said, text, line_map)
        yield msgspec.structs.replace(record, allowed=_allowed(takewhile(_is_comment, block)))
        return
    for prompt, comments in _prompts(block, a_line_each):
        span = _trimmed(text, prompt[0].start, prompt[-1].end)
        line = line_map.position(span.start).line
        yield Record(text[span.start : span.end], span, line, allowed=_allowed(comments))


def _prompts(block: list[_Line], a_line_each: bool) -> list[tuple[list[_Line], list[_Line]]]:
    """The lines of each prompt, with the comment lines in front of it."""
    prompts: list[tuple[list[_Line], list[_Line]]] = []
    comments: list[_Line] = []
    for line in block:
        if _is_comment(line):
            comments.append(line)
        elif prompts and (not a_line_each or _continues(line)):
            prompts[-1][0].append(line)
        elif line.text.strip():
            prompts.append(([line], comments))
            comments = []
    return prompts


def _allowed(comments: Iterable[_Line]) -> frozenset[str]:
    found = (_ALLOW.match(line.text) for line in comments)
    codes = (code for match in found if match for code in match[1].split(","))
    return frozenset(code.strip().upper() for code in codes)


def _record(block: list[_Line], text: str, line_map: LineMap) -> Record:
    """A1111's form: prompt lines, `Negative prompt:` lines, one line of settings."""
    settings = next((line for line in block if _SETTINGS.match(line.text)), None)
    before = [line for line in block if settings is None or line.start < settings.start]
    marks = [index for index, line in enumerate(before) if line.text.startswith(NEGATIVE)]
    cut = marks[0] if marks else len(before)
    start = block[0].start
    positive = _trimmed(text, start, before[cut - 1].end if cut else start)
    negative = None
    if marks:
        negative = _trimmed(text, before[cut].start + len(NEGATIVE), before[-1].end)
    settings_span = Span(settings.start, settings.end) if settings else None
    return Record(
        text[positive.start : positive.end],
        positive,
        line_map.position(start).line,
        text[negative.start : negative.end] if negative else None,
        negative,
        settings.text if settings else None,
        settings_span,
    )


def _is_record_line(line: _Line) -> bool:
    return line.text.startswith(NEGATIVE) or bool(_SETTINGS.match(line.text))


def _is_comment(line: _Line) -> bool:
    return line.text.lstrip().startswith("#")


def _is_blank_or_comment(line: _Line) -> bool:
    return not line.text.strip() or _is_comment(line)


def _continues(line: _Line) -> bool:
    return bool(_GOES_ON.match(line.text) or _ONLY_NETWORKS.fullmatch(line.text))


def _trimmed(text: str, start: int, end: int) -> Span:
    raw = text[start:end]
    start += len(raw) - len(raw.lstrip())
    return Span(start, max(start, start + len(raw.strip())))
