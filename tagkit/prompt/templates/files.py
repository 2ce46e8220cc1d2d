"""Wildcard files: `.txt`, `.yaml`, `.yml` and `.json`, read into named values."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from tagkit.errors import UserError
from tagkit.prompt.templates.reading import split_weight
from tagkit.spans import LINE_END
from tagkit.typed_yaml import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import yaml

STRUCTURED = frozenset({".yaml", ".yml", ".json"})
MAX_DEPTH = 30
MAX_VALUES = 1_000_000

_COMMENT = re.compile(r"(?:^|\s)#.*")
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_WEIGHT_KEYS = frozenset({"weight", "text", "content"})


class Value(msgspec.Struct, frozen=True):
    """A value of a wildcard: a template, its weight (0 or more), its place in the files."""

    text: str
    weight: float = 1.0
    where: str = ""


class _Scalar(msgspec.Struct, frozen=True):
    """A text as written in a structured file; `line` from 1, or 0 where it is unknown."""

    text: str
    line: int = 0


class _Keys(msgspec.Struct, frozen=True):
    """A mapping, in order; keys may be repeated."""

    pairs: tuple[tuple[str, _Tree], ...]
    line: int = 0


class _Items(msgspec.Struct, frozen=True):
    items: tuple[_Tree, ...]
    line: int = 0


_Tree: TypeAlias = "_Scalar | _Keys | _Items"


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
    text = read_text(path)
    tree = _json_tree(text, path) if path.suffix.lower() == ".json" else _yaml_tree(text, path)
    named: dict[str, tuple[Value, ...]] = {}
    for name, values in _named(tree, path):
        if name in named:
            raise UserError(f"key `{name}` stands twice in `{path}`", values[0].where, "keep one")
        named[name] = values
    return named


def _value(text: str, where: str, weight: float | None = None) -> Value:
    if weight is None:
        weight, text = split_weight(text)
    return Value(text, weight, where)


def _named(tree: _Tree, path: Path) -> Iterator[tuple[str, tuple[Value, ...]]]:
    waiting: list[tuple[str, _Tree]] = [(path.stem if isinstance(tree, _Items) else "", tree)]
    count = 0
    while waiting:
        name, tree = waiting.pop()
        if isinstance(tree, _Keys):
            prefix = f"{name}/" if name else ""
            waiting += [(prefix + key, value) for key, value in reversed(tree.pairs)]
        elif name and (values := tuple(_values(tree, path))):
            yield name, values
        count += len(tree.items) if isinstance(tree, _Items) else 1
        if count > MAX_VALUES:
            raise UserError(f"`{path}` holds more than {MAX_VALUES:,} values")


def _values(tree: _Scalar | _Items, path: Path) -> Iterator[Value]:
    for item in tree.items if isinstance(tree, _Items) else (tree,):
        if isinstance(item, _Items):
            raise UserError(f"a list in a list in `{path}`", _where(path, item), "write a text")
        if isinstance(item, _Keys):
            yield _weighted(item, path)
        elif item.text:
            yield _value(item.text, _where(path, item))


def _weighted(keys: _Keys, path: Path) -> Value:
    """`{weight: 3, text: red}`."""
    where = _where(path, keys)
    fields = {key: value.text for key, value in keys.pairs if isinstance(value, _Scalar)}
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
    return _value(text, where, float(weight[:20]))


def _where(path: Path, tree: _Tree) -> str:
    return f"{path}:{tree.line}" if tree.line else str(path)


def _json_tree(text: str, path: Path) -> _Tree:
    def mapping(pairs: list[tuple[str, object]]) -> _Keys:
        return _Keys(tuple((key, tree(value)) for key, value in pairs))

    def tree(value: object) -> _Tree:
        if isinstance(value, _Keys):
            return value
        if isinstance(value, list):
            return _Items(tuple(tree(item) for item in value))
        return _Scalar("" if value is None else str(value))

    try:
        return tree(
            json.loads(text, object_pairs_hook=mapping, parse_int=str, parse_float=str)
            if text.strip()
            else mapping([])
        )
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise UserError(f"`{path}` is not valid JSON: {error.msg}", place) from error
    except RecursionError as error:
        raise _too_deep(path) from error


def _too_deep(path: Path, where: str = "") -> UserError:
    return UserError(f"`{path}` is nested too deeply", where)


def _yaml_tree(text: str, path: Path) -> _Tree:
    """From events, since the reader of whole documents crashes on deep nesting.

    Every scalar is the text as written: `no` and `1.50` are words of a prompt here.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _YamlTree(yaml.parse(text, Loader=loader), path).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError(f"`{path}` is not valid YAML: {error.problem}", place) from error
    except yaml.YAMLError as error:
        raise UserError(f"`{path}` is not valid YAML", " ".join(str(error).split())) from error


class _YamlTree:
    def __init__(self, events: Iterator[yaml.Event], path: Path) -> None:
        self._events = events
        self._path = path
        self._anchors: dict[str, _Tree] = {}

    def document(self) -> _Tree:
        """The one document of the file; an empty file is an empty mapping."""
        import yaml

        tree: _Tree = _Keys(())
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
            elif isinstance(event, yaml.NodeEvent):
                tree = self._tree(event, 0)
        if documents > 1:
            raise UserError(f"`{self._path}` holds more than one YAML document")
        return tree

    def _tree(self, event: yaml.Event, depth: int) -> _Tree:
        import yaml

        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise _too_deep(self._path, f"{self._path}:{line}")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        tree: _Tree
        if isinstance(event, yaml.MappingStartEvent):
            tree = self._mapping(line, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            tree = _Items(tuple(self._until(yaml.SequenceEndEvent, depth)), line)
        else:
            assert isinstance(event, yaml.ScalarEvent)  # noqa: S101 - the last kind of node
            is_null = event.implicit[0] and event.value in {"", "~", "null", "Null", "NULL"}
            tree = _Scalar("" if is_null else event.value, line)
        if event.anchor:
            self._anchors[event.anchor] = tree
        return tree

    def _alias(self, event: yaml.AliasEvent, line: int) -> _Tree:
        if event.anchor not in self._anchors:
            what = f"`*{event.anchor}` in `{self._path}` stands for nothing"
            raise UserError(what, f"{self._path}:{line}")
        return self._anchors[event.anchor]

    def _mapping(self, line: int, depth: int) -> _Keys:
        import yaml

        nodes = list(self._until(yaml.MappingEndEvent, depth))
        keys = [self._key(node) for node in nodes[::2]]
        return _Keys(tuple(zip(keys, nodes[1::2], strict=True)), line)

    def _key(self, node: _Tree) -> str:
        if not isinstance(node, _Scalar) or not node.text:
            raise UserError(f"a key in `{self._path}` is no text", _where(self._path, node))
        return node.text

    def _until(self, end: type[yaml.Event], depth: int) -> Iterator[_Tree]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield self._tree(event, depth + 1)
