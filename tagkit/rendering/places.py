"""Where something stands in a YAML file, for messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import yaml

Steps = tuple[str | int, ...]


def place_of(path: Path, *candidates: Steps) -> str:
    """`file:line` of the first of `candidates` that is in the file, else of the last one's parent.

    A candidate is the way to a value: keys of mappings and numbers of list items.
    """
    import yaml

    root = yaml.compose(path.read_text("utf-8-sig"), Loader=yaml.CSafeLoader)
    line = 1
    for steps in candidates:
        line, whole = _walked(root, steps)
        if whole:
            break
    return f"{path}:{line}"


def _walked(node: yaml.Node | None, steps: Steps) -> tuple[int, bool]:
    """The line reached, and whether that was at the end of the steps."""
    import yaml

    line = 1
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == step]
            if not found:
                return line, False
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
        else:
            return line, False
    return line, True
