"""ComfyUI's graphs: nodes by id, and ways through them that end in any graph, cyclic or not.

An input of a node is a value, or a link `[id, output]` to the node that makes the value.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from tagkit.infotext.values import mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_LINK_LENGTH = 2
# Where nodes that only hold a value keep it.
_VALUE_KEYS = ("value", "Value", "number", "int", "float", "seed", "string", "text", "Text")


class Node(msgspec.Struct, frozen=True):
    """A node of a graph. kind: its class, as `KSampler`."""

    kind: str
    inputs: dict[str, object]


Graph = dict[str, Node]


def graph_of(document: Mapping[str, object]) -> Graph:
    """The nodes of a graph in ComfyUI's API form; what is no node is left out."""
    graph: Graph = {}
    for name, value in document.items():
        node = mapping(value) or {}
        inputs, kind = mapping(node.get("inputs")), node.get("class_type")
        if inputs is not None and isinstance(kind, str):
            graph[name] = Node(kind, inputs)
    return graph


def link(graph: Graph, value: object) -> str | None:
    """The id of the node that a link leads to; None for a value and for a dead link."""
    if not isinstance(value, list) or len(value) != _LINK_LENGTH:
        return None
    name = str(value[0]) if isinstance(value[0], str | int) else ""
    return name if name in graph else None


def links(graph: Graph, values: Iterable[object]) -> list[str]:
    """The ids that the links among `values` lead to."""
    return [name for value in values if (name := link(graph, value))]


def upstream(graph: Graph, starts: Iterable[str]) -> Iterator[str]:
    """Ids of the starts and of all that they depend on, the nearest first, each once."""
    waiting = deque(dict.fromkeys(starts))
    seen = set(waiting)
    while waiting:
        name = waiting.popleft()
        yield name
        for further in links(graph, graph[name].inputs.values()):
            if further not in seen:
                seen.add(further)
                waiting.append(further)


def ends(graph: Graph) -> list[str]:
    """Ids of the nodes that no link leads to: those that save or show pictures."""
    used = {name for node in graph.values() for name in links(graph, node.inputs.values())}
    return [name for name in graph if name not in used]


def resolved(graph: Graph, value: object, key: str) -> object:
    """`value`, or what the nodes behind its links hold as `key` or as a plain value."""
    seen: set[str] = set()
    while (name := link(graph, value)) and name not in seen:
        seen.add(name)
        inputs = graph[name].inputs
        value = next((inputs[each] for each in (key, *_VALUE_KEYS) if each in inputs), None)
    return None if isinstance(value, list) else value
