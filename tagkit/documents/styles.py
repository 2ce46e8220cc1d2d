"""A1111's styles.csv: `name,prompt,negative_prompt`, each row a record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tagkit.documents.values import Document, Record
from tagkit.errors import UserError
from tagkit.spans import LineMap, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

_CELL = re.compile(r'(?:"((?:[^"]|"")*)"|([^,\r\n"]*))(,|\r\n|\n|\r|\Z)')


class _Field(NamedTuple):
    text: str
    span: Span


def parse_styles(text: str, name: str) -> Document:
    """The styles that have a prompt. Raises UserError without the column `prompt`.

    A quote inside a field is doubled in the file, so a field that holds one is longer there than
    its text; its record is not to be written back.
    """
    line_map = LineMap(text)
    records = [_record(row, line_map) for row in _named_rows(text, name)]
    found = tuple(record for record in records if record)
    return Document(name, text, found, writable=False)


def named_styles(text: str, name: str) -> dict[str, tuple[str, str]]:
    """Prompt and negative prompt of each style by its name, either may be empty.

    Raises UserError as `parse_styles` does.
    """
    nothing = _Field("", Span(0, 0))
    return {
        row.get("name", nothing).text: (
            row.get("prompt", nothing).text,
            row.get("negative_prompt", nothing).text,
        )
        for row in _named_rows(text, name)
    }


def _named_rows(text: str, name: str) -> list[dict[str, _Field]]:
    """Each row by the names of its columns."""
    rows = list(_rows(text, name))
    header = [field.text.strip().lower() for field in rows[0]] if rows else []
    if "prompt" not in header:
        raise UserError(
            f"`{name}` is no styles.csv",
            f"{name}:1",
            "its first row is name,prompt,negative_prompt",
        )
    return [dict(zip(header, row, strict=False)) for row in rows[1:]]


def _record(row: dict[str, _Field], line_map: LineMap) -> Record | None:
    prompt, negative = row.get("prompt"), row.get("negative_prompt")
    if prompt is None or not prompt.text.strip():
        return None
    line = line_map.position(prompt.span.start).line
    if negative is None or not negative.text.strip():
        return Record(prompt.text, prompt.span, line)
    return Record(prompt.text, prompt.span, line, negative.text, negative.span)


def _rows(text: str, name: str) -> Iterator[list[_Field]]:
    row: list[_Field] = []
    at = 0
    while at < len(text) or row:
        cell = _CELL.match(text, at)
        if cell is None:
            line = LineMap(text).position(at).line
            raise UserError(f"a quote in `{name}` is out of place", f"{name}:{line}")
        group = 1 if cell[1] is not None else 2
        row.append(_Field(cell[group].replace('""', '"'), Span(*cell.span(group))))
        at = cell.end()
        if cell[3] != ",":
            if any(each.text for each in row):
                yield row
            row = []
