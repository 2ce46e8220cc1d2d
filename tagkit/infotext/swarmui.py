"""SwarmUI: JSON with `sui_image_params` where A1111 writes its text.

Parameter ids and model hashes as in SwarmUI's "Image Metadata Format": the hashes are those of the
tensors without the header, so they are LoRA hashes in A1111's sense but no model hashes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.infotext.samplers import sampler_settings
from tagkit.infotext.values import (
    infotext,
    items,
    json_object,
    lora_weights,
    mapping,
    size,
    weights_name,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tagkit.infotext.a1111 import Infotext

SOURCE = "swarmui"
_SHORT_HASH = 12


def read(texts: Mapping[str, str]) -> Infotext | None:
    """The infotext of SwarmUI's JSON, None if it is something else."""
    document = json_object(texts.get("parameters")) or {}
    params = mapping(document.get("sui_image_params"))
    if params is None:
        return None
    settings = {
        "Steps": params.get("steps"),
        **sampler_settings(
            written(params.get("sampler")) or "", written(params.get("scheduler")) or ""
        ),
        "CFG scale": params.get("cfgscale"),
        "Seed": params.get("seed"),
        "Size": size(params.get("width"), params.get("height")),
        "Model": weights_name(params.get("model")),
        "VAE": weights_name(params.get("vae")),
        "Clip skip": (written(params.get("clipstopatlayer")) or "").removeprefix("-"),
        "RNG": "CPU",
        "Lora weights": lora_weights(
            zip(_listed(params.get("loras")), _listed(params.get("loraweights")), strict=False)
        ),
        "Lora hashes": _lora_hashes(document.get("sui_models")),
        "Version": f"SwarmUI {written(params.get('swarm_version')) or ''}".strip(),
    }
    return infotext(SOURCE, params.get("prompt"), params.get("negativeprompt"), settings)


def _listed(value: object) -> list[object]:
    """Lists are JSON lists or, in older versions, texts parted by commas."""
    return list(value.split(",")) if isinstance(value, str) else items(value)


def _lora_hashes(models: object) -> str | None:
    hashes = []
    for model in map(mapping, items(models)):
        if model and "lora" in str(model.get("param")):
            digest = (written(model.get("hash")) or "").removeprefix("0x")[:_SHORT_HASH]
            hashes.append((model.get("name"), digest))
    return lora_weights(pair for pair in hashes if pair[1])
