"""Wildcard folders for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tagkit.prompt.templates import Wildcards, draw_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes files by their paths, as `folder({"hair.txt": "long\\nshort"})`."""

    def write(files: dict[str, str | bytes], name: str = "wildcards") -> Path:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        for path, content in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return write


@pytest.fixture
def every(folder: Callable[..., Path]) -> Callable[..., list[str]]:
    """All prompts of a template; keyword `files` are its wildcards."""

    def all_prompts(text: str, files: dict[str, str] | None = None) -> list[str]:
        return list(draw_all(text, Wildcards([folder(files)] if files else [])))

    return all_prompts
