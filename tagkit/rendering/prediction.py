"""What a checkpoint was trained to predict, as its safetensors header says. Needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = {"v": "v-prediction", "epsilon": "epsilon"}


class Prediction(NamedTuple):
    """kind: `epsilon` or `v-prediction`. zero_snr: trained until nothing but noise was left."""

    kind: str
    zero_snr: bool


def prediction_of(header: Mapping[str, object]) -> Prediction | None:
    """What the header of a safetensors file says, None where it says nothing.

    header: names of tensors, and perhaps `__metadata__`. Trainers of v-prediction models leave
    empty tensors `v_pred` and `ztsnr` as marks, which A1111, Forge and ComfyUI read;
    `modelspec.prediction_type` is Stability AI's ModelSpec.
    """
    metadata = header.get("__metadata__")
    stated = metadata.get("modelspec.prediction_type", "") if isinstance(metadata, dict) else ""
    kind = "v-prediction" if "v_pred" in header else _WORDS.get(stated)
    if kind is None:
        return None
    return Prediction(kind, "ztsnr" in header)
