"""What a fix would change, as a unified diff."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def unified(before: str, after: str, path: str) -> Iterator[str]:
    """Lines of a diff without line ends; none if nothing changes."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), path, path, lineterm="")
    yield from lines
