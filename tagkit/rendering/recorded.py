"""Settings that a picture was made with, as fields to make it again."""

from __future__ import annotations

import re
from typing import NoReturn

import msgspec

from tagkit.cards import recorded_card
from tagkit.errors import UserError
from tagkit.rendering.fields import Fields

# A1111's names. A record without "RNG" was made with its default: CUDA's noise.
_SAMPLERS = {"Euler a": "euler-a"}
_SCHEDULES = ("", "Automatic")
_NOISES = {"CPU": "cpu", "NV": "nv", "GPU": "nv"}
# What changes a picture in ways that are not rendered.
_OTHER_PASSES = re.compile(
    r"Hires |First pass|ADetailer |ControlNet|Variation seed|Seed resize|Face restoration|"
    r"Denoising strength|Refiner|Emphasis|Tiling|Token merging|NGMS|ENSD|Eta"
)


def recorded_fields(settings: dict[str, str], place: str) -> Fields:
    """The fields that a settings line says. Raises UserError for what cannot be made again."""
    for key in settings:
        if _OTHER_PASSES.match(key):
            _refuse(f"the record at `{place}` was made with `{key}`", place)
    said: dict[str, object] = {
        "sampler": _known(settings, "Sampler", _SAMPLERS, place),
        "rng": _known({"RNG": "GPU"} | settings, "RNG", _NOISES, place),
        "steps": _number(settings, "Steps", place),
        "cfg": _number(settings, "CFG scale", place),
        "seed": _number(settings, "Seed", place),
        "count": 1 if "Seed" in settings else None,
        "size": settings.get("Size"),
        "model": recorded_model(settings),
    }
    if settings.get("Schedule type", "") not in _SCHEDULES:
        _refuse(f"the record at `{place}` was made with `{settings['Schedule type']}`", place)
    try:
        return msgspec.convert(said, Fields)
    except msgspec.ValidationError as error:
        raise UserError(f"the record at `{place}` cannot be rendered: {error}", place) from error


def recorded_model(settings: dict[str, str]) -> str | None:
    """The name of the card of the model that a record names, if there is one."""
    card = recorded_card(settings)
    return card.name if card else None


def _known(settings: dict[str, str], key: str, known: dict[str, str], place: str) -> str | None:
    value = settings.get(key)
    if value is None:
        return None
    if value not in known:
        _refuse(f"the record at `{place}` was made with the {key.lower()} `{value}`", place)
    return known[value]


def _number(settings: dict[str, str], key: str, place: str) -> float | int | None:
    value = settings.get(key)
    if value is None:
        return None
    try:
        return int(value) if value.lstrip("-").isdigit() else float(value)
    except ValueError as error:
        raise UserError(f"`{key}: {value}` is no number", place) from error


def _refuse(what: str, place: str) -> NoReturn:
    hint = "this version renders the base picture with Euler a; take the settings line away"
    raise UserError(f"{what}, which tagkit does not render", place, hint)
