"""Settings that a picture was made with, as fields to make it again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tagkit.cards import recorded_card
from tagkit.errors import UserError
from tagkit.infotext import sampler_and_schedule
from tagkit.rendering.fields import Fields, checked
from tagkit.rendering.recorded_passes import recorded_detailers, recorded_hires, refuse
from tagkit.rendering.sampler_names import SCHEDULER_NAMES, sampler_named, scheduler_named

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = {
    "Steps": "steps",
    "CFG scale": "cfg",
    "CFG Rescale": "cfg_rescale",
    "Seed": "seed",
    "Size": "size",
}
# A record without "RNG" was made with A1111's default: CUDA's noise.
_NOISES = {"CPU": "cpu", "NV": "nv", "GPU": "nv"}
_EMPHASES = {"Original": "original", "No norm": "no-norm"}
_USUAL_SAMPLER = "Euler a"
_OWN_VAE = ("", "None", "Automatic")
# What changes a picture in ways that tagkit has not, and the values with which it does not.
_BEYOND = re.compile(
    r"First pass|ControlNet|Variation seed|Seed resize|Face restoration|Refiner|Tiling|Hypernet|"
    r"Token merging|NGMS|Skip Early CFG|ENSD|Eta\b|Mask|Inpaint|AddNet|Sigma |Schedule (?:m|rho)|"
    r"SGM noise|Discard penultimate|UniPC|FreeU"
)
_WITHOUT_EFFECT = ("0", "0.0", "False", "None", "")


def recorded_fields(settings: Mapping[str, str], place: str) -> Fields:
    """The fields that a settings line says. Raises UserError for what cannot be made again."""
    for key, value in settings.items():
        if _BEYOND.match(key) and value not in _WITHOUT_EFFECT:
            refuse(f"`{key}: {value}`", place)
    said: dict[str, object] = {field: settings.get(key) for key, field in _FIELDS.items()}
    said |= {
        **_sampling(settings, place),
        "rng": _known({"RNG": "GPU", **settings}, "RNG", _NOISES, place),
        "emphasis": _known(settings, "Emphasis", _EMPHASES, place),
        "clip_skip": _clip_skip(settings),
        "vae": _vae(settings),
        "count": 1 if "Seed" in settings else None,
        "model": recorded_model(settings),
        "loras": _loras(settings),
        "hires": recorded_hires(settings, place),
        "detailer": recorded_detailers(settings, place) or None,
    }
    told = {field: value for field, value in said.items() if value is not None}
    try:
        fields = msgspec.convert(told, Fields, strict=False)
    except msgspec.ValidationError as error:
        raise _unreadable(error, said, place) from error
    return checked(fields, place)


def recorded_model(settings: Mapping[str, str]) -> str | None:
    """The name of the card of the model that a record names, if there is one."""
    card = recorded_card(settings)
    return card.name if card else None


def recorded_hashes(settings: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Names and hashes of the LoRAs that the picture was made with: A1111's `Lora hashes`."""
    return tuple(_pairs(settings.get("Lora hashes", "")))


def _sampling(settings: Mapping[str, str], place: str) -> dict[str, object]:
    label, schedule = sampler_and_schedule(settings)
    sampler = sampler_named(label or _USUAL_SAMPLER)
    if sampler is None:
        refuse(f"the sampler `{label}`", place)
    scheduler = scheduler_named(sampler, schedule)
    if scheduler not in SCHEDULER_NAMES:
        refuse(f"the schedule `{schedule}`", place)
    return {
        "sampler": sampler if label else None,
        "scheduler": scheduler if label or schedule else None,
    }


def _known(
    settings: Mapping[str, str], key: str, known: Mapping[str, str], place: str
) -> str | None:
    value = settings.get(key)
    if value is not None and value not in known:
        refuse(f"`{key}: {value}`", place)
    return known[value] if value is not None else None


def _clip_skip(settings: Mapping[str, str]) -> str | None:
    """A1111 takes no notice of it for SDXL; ComfyUI and tagkit do."""
    heeding = settings.get("Version", "").startswith(("ComfyUI", "tagkit "))
    return settings.get("Clip skip") if heeding else None


def _vae(settings: Mapping[str, str]) -> str | None:
    name = settings.get("VAE", "")
    return None if name in _OWN_VAE else name


def _loras(settings: Mapping[str, str]) -> list[dict[str, str]] | None:
    """The networks of a record that does not name them in its prompt."""
    found = [
        {"name": n, "weight": weight} for n, weight in _pairs(settings.get("Lora weights", ""))
    ]
    apart = dict(_pairs(settings.get("Lora text weights", "")))
    for each in found:
        if each["name"] in apart:
            each["text_weight"] = apart[each["name"]]
    return found or None


def _pairs(text: str) -> list[tuple[str, str]]:
    """`name: value, other: value`; a name may hold a colon."""
    parts = (part.rpartition(":") for part in text.split(","))
    return [(name.strip(), value.strip()) for name, colon, value in parts if colon]


def _unreadable(
    error: msgspec.ValidationError, said: Mapping[str, object], place: str
) -> UserError:
    """Named as the record names it."""
    problem, _, path = str(error).partition(" - at ")
    field = next((name for name in said if f".{name}" in path), "")
    key = next((key for key, name in _FIELDS.items() if name == field), field)
    return UserError(f"`{key}: {said.get(field)}` in the record at `{place}`: {problem}", place)
