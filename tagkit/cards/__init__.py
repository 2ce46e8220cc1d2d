"""Model cards: everything tagkit knows of a model, as data. Code tests no model's name."""

from __future__ import annotations

from tagkit.cards.loading import image_card, image_cards, recorded_card, tag_card, tag_cards
from tagkit.cards.types import (
    Ban,
    Detailer,
    ExpandAdvice,
    Hires,
    ImageCard,
    LengthTarget,
    Licence,
    Overfit,
    Part,
    PromptAdvice,
    Range,
    Sampling,
    Sides,
    TagCard,
    TagLayout,
    TagSampling,
    Unsupported,
    WeightFile,
    Weights,
)

__all__ = [
    "Ban",
    "Detailer",
    "ExpandAdvice",
    "Hires",
    "ImageCard",
    "LengthTarget",
    "Licence",
    "Overfit",
    "Part",
    "PromptAdvice",
    "Range",
    "Sampling",
    "Sides",
    "TagCard",
    "TagLayout",
    "TagSampling",
    "Unsupported",
    "WeightFile",
    "Weights",
    "image_card",
    "image_cards",
    "recorded_card",
    "tag_card",
    "tag_cards",
]
