"""Fooocus and RuinedFooocus: their own JSON where A1111 writes its text.

Fooocus can also write A1111's form; that is read as such. What it adds to a prompt by its styles
is not part of the prompt here, as it is not in Fooocus: `Styles` names them.
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
    size,
    weights_name,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tagkit.infotext.a1111 import Infotext

SOURCE = "fooocus"
_SIDES = re.compile(r"\(?\s*(\d+)\s*,\s*(\d+)\s*\)?")


def read(texts: Mapping[str, str]) -> Infotext | None:
    """The infotext of Fooocus's JSON, None if it is something else."""
    document = json_object(texts.get("parameters")) or {}
    if document.get("software") == "RuinedFooocus":
        return _ruined(document)
    if not {"prompt", "base_model"} <= document.keys():
        return None
    width, height = _sides(document.get("resolution"))
    settings = {
        "Steps": document.get("steps"),
        **_sampler(document.get("sampler"), document.get("scheduler")),
        "CFG scale": document.get("guidance_scale"),
        "Seed": document.get("seed"),
        "Size": size(width, height),
        "Model hash": document.get("base_model_hash"),
        "Model": weights_name(document.get("base_model")),
        "Clip skip": document.get("clip_skip"),
        "RNG": "CPU",
        "Sharpness": document.get("sharpness"),
        "ADM Guidance": document.get("adm_guidance"),
        "Styles": document.get("styles"),
        "Performance": document.get("performance"),
        "Lora weights": lora_weights(_loras(document)),
        "Version": document.get("version"),
    }
    return infotext(SOURCE, document["prompt"], document.get("negative_prompt"), settings)


def _ruined(document: Mapping[str, object]) -> Infotext:
    settings = {
        "Steps": document.get("steps"),
        **_sampler(document.get("sampler_name"), document.get("scheduler")),
        "CFG scale": document.get("cfg"),
        "Seed": document.get("seed"),
        "Size": size(document.get("width"), document.get("height")),
        "Model hash": document.get("base_model_hash"),
        "Model": weights_name(document.get("base_model_name")),
        "RNG": "CPU",
        "Version": "RuinedFooocus",
    }
    return infotext(SOURCE, document.get("Prompt"), document.get("Negative"), settings)


def _sampler(name: object, schedule: object) -> dict[str, object]:
    return sampler_settings(written(name) or "", written(schedule) or "")


def _sides(resolution: object) -> tuple[str | None, str | None]:
    found = _SIDES.fullmatch(written(resolution) or "")
    return (found[1], found[2]) if found else (None, None)


def _loras(document: Mapping[str, object]) -> Iterator[tuple[object, object]]:
    """Pairs of name and weight; versions before 2.2 number them."""
    for lora in map(items, items(document.get("loras"))):
        if len(lora) > 1:
            yield lora[0], lora[1]
    for number in range(1, 6):
        name, _, weight = (written(document.get(f"lora_combined_{number}")) or "").partition(" : ")
        if name:
            yield name, weight
