"""Prompts completed with a tag model; bans and budget are enforced while it writes."""

from __future__ import annotations

from tagkit.expansion.expander import Clip, Expander, Expansion, Length, Wish, expand
from tagkit.expansion.options import Options
from tagkit.expansion.rows import Refusal
from tagkit.expansion.tag_model import TagModel, find_tag_model, load_tag_model

__all__ = [
    "Clip",
    "Expander",
    "Expansion",
    "Length",
    "Options",
    "Refusal",
    "TagModel",
    "Wish",
    "expand",
    "find_tag_model",
    "load_tag_model",
]
