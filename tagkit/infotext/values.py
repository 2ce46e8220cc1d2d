"""What the readers of other programs' formats share: JSON values to A1111's keys and words."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from tagkit.infotext.a1111 import Infotext
from tagkit.infotext.inner_json import without_surrogates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A1111's order; keys that it does not have come last.
_ORDER = (
    "Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", "Model hash", "Model",
    "VAE", "Denoising strength", "Clip skip", "RNG",
)  # fmt: skip
_PLACES = {key: place for place, key in enumerate(_ORDER)}
_WEIGHTS_FILE = re.compile(r"\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf)\Z", re.IGNORECASE)


class BrokenDataError(Exception):
    """Data of a known form that cannot be read; its text says why, the caller says whose."""


def infotext(
    source: str, prompt: object, negative: object, settings: Mapping[str, object]
) -> Infotext:
    """An infotext of JSON values: what is no text or number is left out, the rest in order."""
    told = {key: text for key, value in settings.items() if (text := written(value))}
    ordered = sorted(told.items(), key=lambda pair: _PLACES.get(pair[0], len(_ORDER)))
    words = written(negative)
    return Infotext(
        (written(prompt) or "").strip(),
        None if words is None else words.strip(),
        dict(ordered),
        source,
    )


def written(value: object) -> str | None:
    """A text or number as A1111 writes it, `7.0` as `7`; None for anything else."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, str):
        return without_surrogates(value)
    return str(value) if isinstance(value, int) else None


def json_object(text: str | None) -> dict[str, object] | None:
    """The JSON object that `text` is, else None. NaN and Infinity pass, as programs write them."""
    if text is None or not text.lstrip().startswith("{"):
        return None
    try:
        value: object = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    return mapping(value)


def mapping(value: object) -> dict[str, object] | None:
    """The value if it is a JSON object."""
    return value if isinstance(value, dict) else None


def items(value: object) -> list[object]:
    """The members of a JSON array; none if it is something else."""
    return value if isinstance(value, list) else []


def size(width: object, height: object) -> str | None:
    """`832x1216`, where both sides are known."""
    sides = (written(width), written(height))
    return "x".join(side for side in sides if side) if all(sides) else None


def weights_name(path: object) -> str | None:
    """The name of a weights file as A1111 shows it: no folders, no suffix."""
    text = written(path)
    return _WEIGHTS_FILE.sub("", re.split(r"[\\/]", text)[-1]) if text else None


def lora_weights(pairs: Iterable[tuple[object, object]]) -> str | None:
    """LoRA names and weights as one value, `name: 0.8, other: 1`."""
    named = ((weights_name(name), written(weight) or "1") for name, weight in pairs)
    return ", ".join(f"{name}: {weight}" for name, weight in named if name) or None
