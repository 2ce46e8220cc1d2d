"""What a template is made of: a tuple of literal texts and of places where something is chosen."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import msgspec

from tagkit.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Node: TypeAlias = "str | Group | Wildcard | Variable | Assignment | Wrap"
Template: TypeAlias = tuple[Node, ...]


class Options(msgspec.Struct, Generic[T_co], frozen=True):
    """What one is chosen from; `totals` are the weights added up, as `bisect` wants them."""

    items: tuple[T_co, ...]
    totals: tuple[float, ...]


def options(weighted: Iterable[tuple[T, float]]) -> Options[T]:
    """Items with their weights. A weight of 0 leaves an item out."""
    kept = [(item, weight) for item, weight in weighted if weight > 0]
    totals = accumulate(weight for _, weight in kept)
    return Options(tuple(item for item, _ in kept), tuple(totals))


class Group(msgspec.Struct, frozen=True):
    """`{a|b}`: from `low` to `high` different options, joined by `separator`.

    sampler: `~` random, `@` in turn, `` or `!` as the surroundings choose.
    """

    sampler: str
    low: int
    high: int
    separator: Template
    options: Options[Template]


class Wildcard(msgspec.Struct, frozen=True):
    """`__name(argument=value)__`: one value of a file."""

    sampler: str
    name: Template
    arguments: tuple[Assignment, ...]
    span: Span


class Variable(msgspec.Struct, frozen=True):
    """`${name}` or `${name:default}`."""

    name: str
    default: Template | None
    span: Span


class Assignment(msgspec.Struct, frozen=True):
    """`${name=value}`. once: `=!`, chosen once for all uses; keep: `?=`, only if still unset."""

    name: str
    value: Template
    once: bool = False
    keep: bool = False


class Wrap(msgspec.Struct, frozen=True):
    """`%{around ... $$ inside}`: `inside` takes the place of the dots."""

    around: Template
    inside: Template


def merged(nodes: Iterable[Node]) -> Template:
    """The nodes, neighbouring texts made one and empty ones left out."""
    result: list[Node] = []
    texts: list[str] = []
    for node in nodes:
        if isinstance(node, str):
            texts.append(node)
            continue
        result += _joined(texts)
        result.append(node)
        texts = []
    return (*result, *_joined(texts))


def _joined(texts: list[str]) -> list[str]:
    text = "".join(texts)
    return [text] if text else []


def nested(template: Template) -> Iterator[Node]:
    """Every node of a template, those inside others included."""
    waiting: list[Template] = [template]
    while waiting:
        for node in waiting.pop():
            yield node
            waiting += _parts(node)


def _parts(node: Node) -> tuple[Template, ...]:
    match node:
        case Group():
            return (node.separator, *node.options.items)
        case Wildcard():
            return (node.name, *(argument.value for argument in node.arguments))
        case Variable():
            return (node.default or (),)
        case Assignment():
            return (node.value,)
        case Wrap():
            return (node.around, node.inside)
        case _:
            return ()
