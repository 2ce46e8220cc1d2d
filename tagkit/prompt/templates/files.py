"""Wildcard files: `.txt`, `.yaml`, `.yml` and `.json`, read into named values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tagkit.errors import UserError
from tagkit.prompt.templates.reading import split_weight
from tagkit.prompt.templates.structured import Items, Keys, Scalar, Tree, place, read_tree
from tagkit.spans import LINE_END
from tagkit.typed_yaml import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STRUCTURED = frozenset({".yaml", ".yml", ".json"})

# More than any list of tags; aliases of YAML could multiply without an end.
MAX_VALUES = 1_000_000

_COMMENT = re.compile(r"(?:^|\s)#.*")
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}")
_WEIGHT_KEYS = frozenset({"weight", "text", "content"})


class Value(msgspec.Struct, frozen=True):
    """A value of a wildcard: a template, its weight (0 or more), its place in the files."""

    text: str
    weight: float = 1.0
    where: str = ""


def read_lines(path: Path) -> tuple[Value, ...]:
    """Values of a text file, one a line; blank lines and what follows ` #` are skipped."""
    lines = LINE_END.split(read_text(path))
    return tuple(
        _value(text, f"{path}:{number}")
        for number, line in enumerate(lines, 1)
        if (text := _COMMENT.sub("", line).strip())
    )


def read_structured(path: Path) -> dict[str, tuple[Value, ...]]:
    """Values of a YAML or JSON file by their keys, nested ones as `a/b`.

    A file that is one list goes by its own name. Raises UserError with file and line.
    """
    named: dict[str, tuple[Value, ...]] = {}
    for name, values in _named(read_tree(path), path):
        if name in named:
            raise UserError(f"key `{name}` stands twice in `{path}`", values[0].where, "keep one")
        named[name] = values
    return named


def _value(text: str, where: str) -> Value:
    weight, text = split_weight(text)
    return Value(text, weight, where)


def _named(tree: Tree, path: Path) -> Iterator[tuple[str, tuple[Value, ...]]]:
    waiting: list[tuple[str, Tree]] = [(path.stem if isinstance(tree, Items) else "", tree)]
    count = 0
    while waiting:
        name, tree = waiting.pop()
        if isinstance(tree, Keys):
            prefix = f"{name}/" if name else ""
            waiting += [(prefix + key, value) for key, value in reversed(tree.pairs)]
        elif not name:
            raise UserError(f"`{path}` is neither a list nor a mapping", place(path, tree.line))
        elif values := tuple(_values(tree, path)):
            yield name, values
        count += len(tree.items) if isinstance(tree, Items) else 1
        if count > MAX_VALUES:
            raise UserError(f"`{path}` holds more than {MAX_VALUES:,} values")


def _values(tree: Scalar | Items, path: Path) -> Iterator[Value]:
    for item in tree.items if isinstance(tree, Items) else (tree,):
        where = place(path, item.line)
        match item:
            case Items():
                raise UserError(f"a list in a list in `{path}`", where, "write a text")
            case Keys():
                yield _weighted(item, path, where)
            case Scalar(text) if text:
                yield _value(text, where)


def _weighted(keys: Keys, path: Path, where: str) -> Value:
    """`{weight: 3, text: red}`."""
    fields = {key: value.text for key, value in keys.pairs if isinstance(value, Scalar)}
    text = fields.get("text") or fields.get("content")
    if len(fields) < len(keys.pairs) or not fields.keys() <= _WEIGHT_KEYS or not text:
        raise UserError(
            f"an item of a list in `{path}` is neither a text nor a weighted text",
            where,
            "write `text` or `{weight: 2, text: …}`; a text with `: ` wants quotes",
        )
    weight = fields.get("weight", "1")
    if not _NUMBER.fullmatch(weight):
        raise UserError(f"the weight `{weight}` in `{path}` is no number from 0 up", where)
    return Value(text, float(weight), where)
