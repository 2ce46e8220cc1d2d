"""YAML files read into typed values; every error names file, line and the nearest valid key."""

from __future__ import annotations

import re
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import yaml

T = TypeVar("T")
# The way to a value: keys of mappings and numbers of list items.
Steps: TypeAlias = "Sequence[str | int]"

MAX_DEPTH = 50

_PATH = re.compile(r" - at `(key in )?\$(.*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_QUOTES = "put a text that holds `{`, `[`, `:`, `#` or quotes into quotes"
_NO_KEYS = re.compile(r"Expected `object\b[^`]*`")
_ENUM = re.compile(r"Invalid enum value")
_PATTERN = re.compile(r"Expected `str` matching regex")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`")


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, byte order mark dropped; UserError names a file that is none."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"cannot read `{path}`", error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"`{path}` is not UTF-8 text", f"byte {error.start}", "save it as UTF-8"
        ) from error


def read_yaml(path: Path, type_: type[T], *, strict: bool = True) -> T:
    """The file as a value of `type_`, a msgspec type; as `parse_yaml`. Raises UserError."""
    return parse_yaml(read_text(path), type_, str(path), strict=strict)


def parse_yaml(text: str, type_: type[T], name: str, *, strict: bool = True) -> T:
    """`text` as a value of `type_`; `name` stands for the file in errors. Raises UserError.

    strict: a text is no number; `1e-4`, which YAML 1.1 takes for a text, is one otherwise.
    """
    node, data = _load(text, name)
    try:
        return msgspec.convert(data, type_, strict=strict)
    except msgspec.ValidationError as error:
        raise _explained(str(error), node, type_, name) from error


def convert_at(value: object, type_: type[T], path: Path, steps: Steps) -> T:
    """`value`, read from the place in the file that `steps` lead to, as a value of `type_`.

    Raises UserError with the line of what is wrong in it.
    """
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        node, _ = _load(read_text(path), str(path))
        for step in steps:
            node = _below(node, step)
        raise _explained(str(error), node, type_, str(path)) from error


def _below(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return node.value[step] if isinstance(node, yaml.SequenceNode) else None


def converted(data: object, type_: type[T], name: str, *, strict: bool = True) -> T:
    """What was read already as a value of `type_`; `name` stands for it. Raises UserError."""
    try:
        return msgspec.convert(data, type_, strict=strict)
    except msgspec.ValidationError as error:
        raise _explained(str(error), None, type_, name) from error


def _load(text: str, name: str) -> tuple[yaml.Node | None, Any]:
    import yaml

    loader_type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_depth(text, loader_type, name)
        loader = loader_type(text)
        node = loader.get_single_node()
        _refuse_repeated_keys(node, name)
        return node, {} if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        what = f"`{name}` is not valid YAML: {error.problem}"
        raise UserError(what, place, _QUOTES) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"`{name}` is not valid YAML", _one_line(error)) from error


def _refuse_depth(text: str, loader_type: Any, name: str) -> None:
    """libyaml recurses on nested values without a limit; a process must not end by a file."""
    import yaml

    depth = 0
    for event in yaml.parse(text, loader_type):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                place = f"{name}:{mark.line + 1}" if mark else name
                raise UserError(f"`{name}` is nested too deep", place)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _refuse_repeated_keys(node: yaml.Node | None, name: str) -> None:
    """YAML readers keep the last of two equal keys in silence; a user wants to know."""
    import yaml

    for mapping in _mappings(node):
        seen: set[str] = set()
        for key, _ in mapping.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen and key.value != "<<":
                place = f"{name}:{key.start_mark.line + 1}"
                raise UserError(f"key `{key.value}` stands twice in `{name}`", place, "keep one")
            seen.add(str(key.value))


def _mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    import yaml

    waiting, known = [node], set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in known:
            continue
        known.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _explained(message: str, node: yaml.Node | None, type_: Any, name: str) -> UserError:
    found = _PATH.search(message)
    steps = [_step(*each) for each in _STEP.findall(found[2])] if found else []
    problem = _PATH.sub("", message)
    unknown = _UNKNOWN.match(problem)
    if unknown:
        keys = sorted(_keys_at(type_, steps))
        line, _ = _walked(node, [*steps, unknown[1]])
        what = f"unknown key `{unknown[1]}` in `{name}`"
        return UserError(what, f"{name}:{line}", nearest(unknown[1], keys, "keys"))
    at = f"`{'.'.join(map(str, steps))}` in `{name}`" if steps else f"`{name}`"
    line, _ = _walked(node, steps)
    hint = ""
    if _NO_KEYS.match(problem):
        problem = _NO_KEYS.sub("expected keys with values", problem)
        hint = f"keys: {', '.join(sorted(_keys_at(type_, steps)))}"
    elif _ENUM.match(problem):
        hint = " or ".join(map(str, _words_at(type_, steps)))
    elif _PATTERN.match(problem):
        problem, hint = "it is not written so", " or ".join(_forms_at(type_, steps))
    return UserError(f"{at}: {_lowered(problem)}", f"{name}:{line}", hint)


def _step(key: str, index: str) -> str | int:
    """msgspec writes `[...]` for some value of a mapping; no line is known for it."""
    return int(index) if index.isdigit() else key or index


def nearest(word: str, known: list[str], noun: str) -> str:
    """A hint that names what `word` was likely meant to be, and what there is."""
    import difflib

    close = difflib.get_close_matches(word, known, 1, 0.6)
    shown = ", ".join(known[:40])
    return (f"did you mean `{close[0]}`? " if close else "") + f"{noun}: {shown}"


def place_of(path: Path, *candidates: Steps) -> str:
    """`file:line` of the first candidate that is in the file, else of the last one's parent."""
    node, _ = _load(read_text(path), str(path))
    line = 1
    for steps in candidates:
        line, whole = _walked(node, steps)
        if whole:
            break
    return f"{path}:{line}"


def _walked(node: yaml.Node | None, steps: Steps) -> tuple[int, bool]:
    """The line of the deepest node on the way, and whether that is its end."""
    import yaml

    line = node.start_mark.line + 1 if node else 1
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            pairs = {str(key.value): (key, value) for key, value in node.value}
            if step not in pairs:
                return line, False
            key, node = pairs[str(step)]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line, False
    return line, True


def _keys_at(type_: Any, steps: list[str | int]) -> set[str]:
    """Keys of every struct that `type_` may hold at the end of `steps`."""
    types = _structs(type_)
    for step in steps:
        inner = [_inner(each, step) for each in types]
        types = [struct for each in inner for struct in _structs(each)]
    return {
        field.encode_name for each in types if isinstance(each, type) for field in _fields(each)
    }


def _words_at(type_: Any, steps: list[str | int]) -> list[object]:
    """The words that a Literal at the end of `steps` allows."""
    return [each for part in _parts_at(type_, steps) if get_origin(part) is Literal
            for each in get_args(part)]  # fmt: skip


def _forms_at(type_: Any, steps: list[str | int]) -> list[str]:
    """The examples of texts at the end of `steps` that have a form."""
    metas = (each for part in _parts_at(type_, steps) for each in getattr(part, "__metadata__", ()))
    return [str(example) for meta in metas for example in meta.examples or ()]


def _parts_at(type_: Any, steps: list[str | int]) -> Iterator[Any]:
    """What the types at the end of `steps` are made of: unions and annotations taken apart."""
    types = [type_]
    for step in steps:
        structs = [struct for each in types for struct in _structs(each)]
        types = [_inner(each, step, extras=True) for each in structs]
    while types:
        part = types.pop()
        yield part
        if get_origin(part) is not Literal:
            types += [each for each in get_args(part) if not isinstance(each, msgspec.Meta)]


def _fields(type_: type) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(type_) if issubclass(type_, msgspec.Struct) else ()


def _structs(type_: Any) -> list[Any]:
    """The structs and containers that a type or a union of types is made of."""
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return [type_]
    arguments = get_args(type_)
    if getattr(type_, "__origin__", None) in (dict, list, tuple):
        return [type_]
    return [struct for argument in arguments for struct in _structs(argument)]


def _inner(type_: Any, step: str | int, *, extras: bool = False) -> Any:
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return get_type_hints(type_, include_extras=extras).get(str(step), type(None))
    arguments = get_args(type_)
    if type_.__origin__ is dict:
        return arguments[1]
    return arguments[0] if isinstance(step, int) else type(None)


def _lowered(message: str) -> str:
    return message[:1].lower() + message[1:]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
