"""YAML and JSON files as trees of texts that know their lines.

Every scalar is the text as written: `no` and `1.50` are words of a prompt. YAML is read from its
events, since the readers of whole documents crash on deep nesting.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from tagkit.errors import UserError
from tagkit.typed_yaml import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import yaml

MAX_DEPTH = 30

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


class Scalar(msgspec.Struct, frozen=True):
    """A text; null is the empty one. `line` from 1, or 0 where it is unknown, as in JSON."""

    text: str
    line: int = 0


class Keys(msgspec.Struct, frozen=True):
    """A mapping in its order; a key may be repeated."""

    pairs: tuple[tuple[str, Tree], ...]
    line: int = 0


class Items(msgspec.Struct, frozen=True):
    """A list."""

    items: tuple[Tree, ...]
    line: int = 0


Tree: TypeAlias = "Scalar | Keys | Items"


def read_tree(path: Path) -> Tree:
    """The tree of a file; of an empty one, no keys. Raises UserError with file and line."""
    text = read_text(path)
    if not text.strip():
        return Keys(())
    return _from_json(text, path) if path.suffix.lower() == ".json" else _from_yaml(text, path)


def place(path: Path, line: int) -> str:
    """`path:line`, or `path` alone where the line is unknown."""
    return f"{path}:{line}" if line else str(path)


def _from_json(text: str, path: Path) -> Tree:
    def mapping(pairs: list[tuple[str, object]]) -> Keys:
        return Keys(tuple((key, tree(value)) for key, value in pairs))

    def tree(value: object) -> Tree:
        if isinstance(value, Keys):
            return value
        if isinstance(value, list):
            return Items(tuple(tree(item) for item in value))
        return Scalar("" if value is None else str(value))

    try:
        return tree(json.loads(text, object_pairs_hook=mapping, parse_int=str, parse_float=str))
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise UserError(f"`{path}` is not valid JSON: {error.msg}", where) from error
    except RecursionError as error:
        raise UserError(f"`{path}` is nested too deeply") from error


def _from_yaml(text: str, path: Path) -> Tree:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _YamlBuilder(path).built(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError(f"`{path}` is not valid YAML: {error.problem}", where) from error
    except yaml.YAMLError as error:
        raise UserError(f"`{path}` is not valid YAML", " ".join(str(error).split())) from error


class _Open(msgspec.Struct):
    """A list or mapping whose end has not come."""

    children: list[Tree]
    anchor: str | None = None
    line: int = 0


class _YamlBuilder:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._open = [_Open([])]
        self._anchors: dict[str, Tree] = {}

    def built(self, events: Iterable[yaml.Event]) -> Tree:
        for event in events:
            self._take(event)
        documents = self._open[0].children
        if len(documents) > 1:
            raise UserError(f"`{self._path}` holds more than one YAML document")
        return documents[0] if documents else Keys(())

    def _take(self, event: yaml.Event) -> None:
        import yaml

        line = event.start_mark.line + 1 if event.start_mark else 0
        match event:
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._open.append(_Open([], event.anchor, line))
                if len(self._open) > MAX_DEPTH:
                    where = place(self._path, line)
                    raise UserError(f"`{self._path}` is nested too deeply", where)
            case yaml.MappingEndEvent():
                ended = self._open.pop()
                self._add(self._keys(ended), ended.anchor)
            case yaml.SequenceEndEvent():
                ended = self._open.pop()
                self._add(Items(tuple(ended.children), ended.line), ended.anchor)
            case yaml.AliasEvent():
                self._add(self._named(event.anchor or "", line), None)
            case yaml.ScalarEvent():
                is_null = event.implicit[0] and event.value in _NULLS
                self._add(Scalar("" if is_null else event.value, line), event.anchor)

    def _add(self, tree: Tree, anchor: str | None) -> None:
        self._open[-1].children.append(tree)
        if anchor:
            self._anchors[anchor] = tree

    def _named(self, anchor: str, line: int) -> Tree:
        if anchor not in self._anchors:
            what = f"`*{anchor}` in `{self._path}` stands for nothing"
            raise UserError(what, place(self._path, line))
        return self._anchors[anchor]

    def _keys(self, ended: _Open) -> Keys:
        keys = [self._key(child) for child in ended.children[::2]]
        return Keys(tuple(zip(keys, ended.children[1::2], strict=True)), ended.line)

    def _key(self, tree: Tree) -> str:
        if not isinstance(tree, Scalar) or not tree.text:
            raise UserError(f"a key in `{self._path}` is no text", place(self._path, tree.line))
        return tree.text
