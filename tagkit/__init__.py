"""tagkit: lint, complete and render Danbooru-tag prompts for anime SDXL checkpoints.

Importing it imports next to nothing; every name below is loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tagkit._version import __version__

if TYPE_CHECKING:
    from tagkit.clip import count_tokens, encode
    from tagkit.errors import UserError
    from tagkit.expansion import expand
    from tagkit.infotext import read_image, read_infotext
    from tagkit.linting import lint
    from tagkit.prompt import convert, parse, schedule, weighted_text
    from tagkit.rendering import plan, render

_HOMES = {
    "UserError": "tagkit.errors",
    "convert": "tagkit.prompt",
    "count_tokens": "tagkit.clip",
    "encode": "tagkit.clip",
    "expand": "tagkit.expansion",
    "lint": "tagkit.linting",
    "parse": "tagkit.prompt",
    "plan": "tagkit.rendering",
    "read_image": "tagkit.infotext",
    "read_infotext": "tagkit.infotext",
    "render": "tagkit.rendering",
    "schedule": "tagkit.prompt",
    "weighted_text": "tagkit.prompt",
}

__all__ = [
    "UserError",
    "__version__",
    "convert",
    "count_tokens",
    "encode",
    "expand",
    "lint",
    "parse",
    "plan",
    "read_image",
    "read_infotext",
    "render",
    "schedule",
    "weighted_text",
]


def __getattr__(name: str) -> Any:
    """The public function `name`, imported when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tagkit' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
