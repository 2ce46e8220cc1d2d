"""InvokeAI: `invokeai_metadata` (version 3 and later), `sd-metadata` (2.x) and `Dream` (1.x).

Its model hashes are of another kind (BLAKE3) and are left out, those of 2.x are SHA-256.
"""

from __future__ import annotations

import re
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

SOURCE = "invokeai"
_BRACKETED = re.compile(r"\[([^\[\]]*)\]")
_OPTION = re.compile(r"-([A-Za-z])\s*(\S+)")
_OPTION_KEYS = {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg_scale"}
_SHORT_HASH = 10


def read(texts: Mapping[str, str]) -> Infotext | None:
    """The infotext of any of the three forms, None if there is none of them."""
    metadata = json_object(texts.get("invokeai_metadata"))
    if metadata is not None:
        return _version_3(metadata)
    metadata = json_object(texts.get("sd-metadata"))
    if metadata is not None:
        return _version_2(metadata)
    command = texts.get("Dream") or texts.get("dream")
    return _version_1(command) if command else None


def _version_3(metadata: Mapping[str, object]) -> Infotext:
    model = mapping(metadata.get("model")) or {}
    vae = mapping(metadata.get("vae")) or {}
    skipped = metadata.get("clip_skip")
    settings = {
        **_common(metadata, metadata.get("scheduler")),
        "Model": weights_name(_name(model)),
        "VAE": weights_name(_name(vae)),
        # Layers left out: none is A1111's clip skip 1.
        "Clip skip": skipped + 1 if isinstance(skipped, int) and skipped else None,
        "RNG": "CPU" if metadata.get("rand_device") == "cpu" else None,
        "Denoising strength": metadata.get("strength"),
        "Lora weights": lora_weights(
            (_name(mapping(lora.get("model")) or mapping(lora.get("lora"))), lora.get("weight"))
            for lora in map(mapping, items(metadata.get("loras")))
            if lora
        ),
        "Version": f"InvokeAI {written(metadata.get('app_version')) or ''}".strip(),
    }
    return infotext(
        SOURCE, metadata.get("positive_prompt"), metadata.get("negative_prompt"), settings
    )


def _version_2(metadata: Mapping[str, object]) -> Infotext:
    image = mapping(metadata.get("image")) or {}
    prompts = [
        (mapping(prompt) or {}).get("prompt", prompt)
        for prompt in items(image.get("prompt")) or [image.get("prompt")]
    ]
    prompt, negative = _parted(", ".join(filter(None, map(written, prompts))))
    settings = {
        **_common(image, image.get("sampler")),
        "Model hash": (written(metadata.get("model_hash")) or "")[:_SHORT_HASH],
        "Model": weights_name(metadata.get("model_weights")),
        "Version": f"InvokeAI {written(metadata.get('app_version')) or ''}".strip(),
    }
    return infotext(SOURCE, prompt, negative, settings)


def _version_1(command: str) -> Infotext:
    """`"prompt [negative]" -s50 -S42 -W512 -H768 -C7.5 -Ak_lms`, blanks after letters allowed."""
    quoted, _, rest = command.strip().removeprefix('"').rpartition('"')
    prompt, negative = _parted(quoted or command)
    options = dict(_OPTION.findall(rest))
    image = {key: options.get(letter) for letter, key in _OPTION_KEYS.items()}
    settings = {**_common(image, options.get("A")), "Version": "InvokeAI"}
    return infotext(SOURCE, prompt, negative, settings)


def _common(values: Mapping[str, object], sampler: object) -> dict[str, object]:
    return {
        "Steps": values.get("steps"),
        **sampler_settings(written(sampler) or ""),
        "CFG scale": values.get("cfg_scale"),
        "Seed": values.get("seed"),
        "Size": size(values.get("width"), values.get("height")),
    }


def _name(model: Mapping[str, object] | None) -> object:
    model = model or {}
    return model.get("name") or model.get("model_name")


def _parted(prompt: str) -> tuple[str, str | None]:
    """Before version 3 what stood in square brackets was the negative prompt."""
    negatives = [text.strip(" ,") for text in _BRACKETED.findall(prompt)]
    positive = _BRACKETED.sub("", prompt).strip(" ,")
    return positive, ", ".join(filter(None, negatives)) or None
