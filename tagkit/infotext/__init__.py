"""Generation data of pictures: A1111's `parameters` text, and where image files keep it."""

from __future__ import annotations

from tagkit.infotext.a1111 import Infotext, parse_settings, read_infotext
from tagkit.infotext.images import read_image

__all__ = ["Infotext", "parse_settings", "read_image", "read_infotext"]
