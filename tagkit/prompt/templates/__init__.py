"""Templates of prompts: variants `{a|b}`, wildcards `__name__`, variables `${name}`.

The language is that of the PyPI package dynamicprompts, with escapes, and with errors where that
one is silent. `docs/wildcards.md` describes it.
"""

from __future__ import annotations

from tagkit.errors import UserError
from tagkit.prompt.templates.drawing import draw, draw_all
from tagkit.prompt.templates.files import Value
from tagkit.prompt.templates.missing import MissingWildcard, missing_wildcards
from tagkit.prompt.templates.reading import Source, read_template
from tagkit.prompt.templates.wildcards import Wildcards

__all__ = [
    "MissingWildcard",
    "Value",
    "Wildcards",
    "draw",
    "draw_all",
    "is_template",
    "missing_wildcards",
]


def is_template(text: str) -> bool:
    """Whether `draw` would do anything but give the text back; a broken template is one, too."""
    if not any(mark in text for mark in ("{", "__", r"\}")):
        return False
    try:
        return read_template(Source(text)) != (text,)
    except UserError:
        return True
