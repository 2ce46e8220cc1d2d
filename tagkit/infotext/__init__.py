"""Generation data of pictures: A1111's `parameters` text, other programs' forms, where they lie."""

from __future__ import annotations

from tagkit.infotext.a1111 import Infotext, parse_settings, read_infotext
from tagkit.infotext.images import read_image
from tagkit.infotext.samplers import sampler_and_schedule

__all__ = ["Infotext", "parse_settings", "read_image", "read_infotext", "sampler_and_schedule"]
