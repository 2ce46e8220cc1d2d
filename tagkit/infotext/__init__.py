"""Generation data of pictures: A1111's `parameters` text, other programs' forms, where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.infotext.a1111 import Infotext, parse_settings, read_infotext
from tagkit.infotext.samplers import sampler_and_schedule

if TYPE_CHECKING:
    from tagkit.infotext.images import read_image

__all__ = ["Infotext", "parse_settings", "read_image", "read_infotext", "sampler_and_schedule"]


def __getattr__(name: str) -> object:
    """Imports `read_image` when it is first asked for: a lint of texts opens no image."""
    if name != "read_image":
        raise AttributeError(f"module 'tagkit.infotext' has no attribute {name!r}")
    from tagkit.infotext.images import read_image

    globals()[name] = read_image
    return read_image
