"""Lines, blocks and A1111 records, with their places in the file."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from tagkit.documents.flags import flagged_record
from tagkit.documents.values import NEGATIVE, Document, Record, Suppression
from tagkit.spans import LINE_END, Span, line_starts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SPLITS = ("lines", "blocks", "file")

_SETTINGS = re.compile(r"Steps: *\d")
_ONLY_NETWORKS = re.compile(r"[\s,]*(?:<\w+:[^>]+>[\s,]*)+")
_ALLOW = re.compile(r"\s*#\s*tagkit:\s*allow\s+(\S(?:.*\S)?)")
# A line that is a comment, joins others or has flags has one of these, or an extra network.
_MARKS = ("#", NEGATIVE, "Steps:", "BREAK", "AND", "--")
_NETWORK = re.compile(r"<\w+:")
_GOES_ON = re.compile(r"(?:BREAK|AND)\b")


class _Line(msgspec.Struct, frozen=True, gc=False):
    """A line of the document without its line end; `following` is where the next one starts."""

    text: str
    start: int
    end: int
    following: int
    number: int


def parse_document(
    text: str, name: str, split: str = "lines", *, captions: bool = False
) -> Document:
    """The records of a text, which may have none.

    A caption has neither a negative prompt nor settings: what looks like them is its text.
    """
    lines = _lines(text)
    blocks = [lines] if split == "file" else list(_blocks(lines))
    everywhere = _suppressions(takewhile(_is_blank_or_comment, lines))
    records = [
        _suppressed(record, (*everywhere, *record.suppressions))
        for block in blocks
        for record in (
            _captions(block, text, split == "lines")
            if captions
            else _records(block, text, split == "lines")
        )
    ]
    return Document(name, text, tuple(records), captions=captions)


def parse_record(text: str) -> Record:
    """One prompt or one record, newlines and comments included."""
    lines = _lines(text)
    suppressions = _suppressions(takewhile(_is_blank_or_comment, lines))
    if any(_is_record_line(line) for line in lines):
        return _suppressed(_record(lines, text), suppressions)
    return Record(text, Span(0, len(text)), 1, suppressions=suppressions)


def _lines(text: str) -> list[_Line]:
    starts = line_starts(text)
    written = LINE_END.split(text) if "\r" in text else text.split("\n")
    return [
        _Line(line, start, start + len(line), following, number)
        for number, (line, start, following) in enumerate(
            zip(written, starts, [*starts[1:], len(text)], strict=True), 1
        )
    ]


def _blocks(lines: list[_Line]) -> Iterator[list[_Line]]:
    block: list[_Line] = []
    for line in lines:
        if line.text.strip() in ("", "---"):
            yield block
            block = []
        else:
            block.append(line)
    yield block


def _records(block: list[_Line], text: str, a_line_each: bool) -> Iterator[Record]:
    if a_line_each and block and _are_mere_prompts(text[block[0].start : block[-1].end]):
        for each in block:
            span = _trimmed(text, each.start, each.end)
            yield Record(text[span.start : span.end], span, each.number)
        return
    lines = [line for line in block if not _is_comment(line)]
    if any(_is_record_line(line) for line in lines):
        record = _record(lines, text)
        yield _suppressed(record, _suppressions(takewhile(_is_comment, block)))
        return
    for prompt, comments in _prompts(block, a_line_each):
        span = _trimmed(text, prompt[0].start, prompt[-1].end)
        line = prompt[0].number
        said = text[span.start : span.end]
        record = flagged_record(said, span.start, line) or Record(said, span, line)
        yield _suppressed(record, _suppressions(comments))


def _are_mere_prompts(lines: str) -> bool:
    """Whether each of some lines, none of them blank, is a prompt, whatever it says."""
    return not any(mark in lines for mark in _MARKS) and not _NETWORK.search(lines)


def _captions(block: list[_Line], text: str, a_line_each: bool) -> Iterator[Record]:
    """Trainers read the first line, or any one of several; a tag may begin with `#`."""
    lines = [line for line in block if line.text.strip() and not _is_allowance(line.text)]
    for caption in [[line] for line in lines] if a_line_each else filter(None, [lines]):
        span = _trimmed(text, caption[0].start, caption[-1].end)
        yield Record(text[span.start : span.end], span, caption[0].number)


def _prompts(block: list[_Line], a_line_each: bool) -> list[tuple[list[_Line], list[_Line]]]:
    """The lines of each prompt, with the comment lines in front of it."""
    prompts: list[tuple[list[_Line], list[_Line]]] = []
    comments: list[_Line] = []
    for line in block:
        if _is_comment(line):
            comments.append(line)
        elif prompts and (not a_line_each or continues(line.text)):
            prompts[-1][0].append(line)
        elif line.text.strip():
            prompts.append(([line], comments))
            comments = []
    return prompts


def _suppressions(comments: Iterable[_Line]) -> tuple[Suppression, ...]:
    """What the comments among these lines suppress."""
    found = ((line, _ALLOW.match(line.text)) for line in comments)
    return tuple(
        Suppression(
            tuple(code.strip().upper() for code in match[1].split(",") if code.strip()),
            Span(*match.span(1)).shifted(line.start),
            Span(line.start, line.following),
        )
        for line, match in found
        if match
    )


def _suppressed(record: Record, suppressions: tuple[Suppression, ...]) -> Record:
    """The record with these suppressions; a comment at the head may stand for it twice."""
    if not suppressions:
        return record
    return msgspec.structs.replace(record, suppressions=tuple(dict.fromkeys(suppressions)))


def _record(block: list[_Line], text: str) -> Record:
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
        block[0].number,
        text[negative.start : negative.end] if negative else None,
        negative,
        settings.text if settings else None,
        settings_span,
    )


def _is_record_line(line: _Line) -> bool:
    text = line.text
    return text.startswith(NEGATIVE) or (text.startswith("Steps:") and bool(_SETTINGS.match(text)))


def _is_allowance(line: str) -> bool:
    return "#" in line and bool(_ALLOW.match(line))


def _is_comment(line: _Line) -> bool:
    return "#" in line.text and line.text.lstrip().startswith("#")


def _is_blank_or_comment(line: _Line) -> bool:
    return not line.text.strip() or _is_comment(line)


def continues(line: str) -> bool:
    """Whether a line goes on with the prompt of the line before it."""
    if line.startswith(("BREAK", "AND")):
        return bool(_GOES_ON.match(line))
    return "<" in line and bool(_ONLY_NETWORKS.fullmatch(line))


def _trimmed(text: str, start: int, end: int) -> Span:
    raw = text[start:end]
    if raw and not (raw[0].isspace() or raw[-1].isspace()):
        return Span(start, end)
    said = raw.lstrip()
    start += len(raw) - len(said)
    return Span(start, start + len(said.rstrip()))
