"""The fields of a job file that are mappings: negative, expand, hires, detailer, loras."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

Size = Annotated[str, Meta(pattern=r"^\d{1,5}x\d{1,5}$", examples=["832x1216"])]
Steps = Annotated[int, Meta(ge=1, le=1000)]
Scale = Annotated[float, Meta(ge=0, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=-100, le=100)]
Pixels = Annotated[int, Meta(ge=0, le=4096)]
Offset = Annotated[int, Meta(ge=-4096, le=4096)]
Length = Literal["very-short", "short", "long", "very-long"]


class Whole(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A mapping that stands or falls as a whole."""


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A mapping of which each key stands for itself; None: a layer below or the card says it."""


S = TypeVar("S", bound=msgspec.Struct)


class Negative(Whole, frozen=True):
    """A negative prompt; `complete` says what of the card's is added to it."""

    text: str
    complete: Literal["base", "overfit", "none"] = "overfit"


class LoraEntry(Whole, frozen=True):
    """A LoRA by the name of its file; `text_weight` (text encoders) is `weight` unless said."""

    name: Annotated[str, Meta(min_length=1)]
    weight: Weight = 1.0
    text_weight: Weight | None = None


class Expand(Block, frozen=True):
    """How prompts are completed; `per`: drawn anew for each."""

    temperature: Annotated[float, Meta(ge=0, le=5)] | None = None
    length: Length | None = None
    ban: tuple[str, ...] | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    min_p: Share | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    tag_model: str | None = None
    per: Literal["image", "prompt"] | None = None


class Later(Block, frozen=True, kw_only=True):
    """What each later pass may do in its own way; as in `job.LaterPass`."""

    steps: Annotated[int, Meta(ge=0, le=1000)] | None = None
    cfg: Scale | None = None
    sampler: str | None = None
    scheduler: str | None = None
    prompt: str | None = None
    negative: str | None = None


class Hires(Later, frozen=True):
    """The second pass. `size` wins over `scale`; 0 for one of its sides keeps the shape."""

    upscaler: Annotated[str, Meta(min_length=1)] | None = None
    scale: Annotated[float, Meta(ge=1, le=8)] | None = None
    size: Size | None = None
    denoise: Share | None = None


class DetailerEntry(Later, frozen=True):
    """One detector, and how what it finds is drawn again; as in `job.DetailerPass`.

    size: of the drawn crop, in place of the first pass's.
    """

    detector: Annotated[str, Meta(min_length=1)]
    denoise: Share | None = None
    confidence: Share | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    select: Literal["area", "confidence"] | None = None
    min_ratio: Share | None = None
    max_ratio: Share | None = None
    sort: Literal["none", "left-to-right", "center-to-edge", "area"] | None = None
    x_offset: Offset | None = None
    y_offset: Offset | None = None
    dilate: Offset | None = None
    blur: Pixels | None = None
    only_masked: bool | None = None
    padding: Pixels | None = None
    size: Size | None = None


def laid_over(below: S, above: S) -> S:
    """Every key that `above` says, else what `below` says of it."""
    said = {
        name: value
        for name in above.__struct_fields__
        if (value := getattr(above, name)) is not None
    }
    return msgspec.structs.replace(below, **said)
