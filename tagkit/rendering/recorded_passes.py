"""Hires fix and ADetailer in a record of A1111, as fields of a job file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HIRES = {
    "Hires upscaler": "upscaler",
    "Hires upscale": "scale",
    "Hires resize": "size",
    "Hires steps": "steps",
    "Hires CFG Scale": "cfg",
    "Hires sampler": "sampler",
    "Hires schedule type": "scheduler",
    "Hires prompt": "prompt",
    "Hires negative prompt": "negative",
    "Denoising strength": "denoise",
}
# A1111's defaults, which it does not write.
_HIRES_DEFAULTS = {"upscaler": "latent", "denoise": "0.7", "steps": "0"}
_DETAILER_DEFAULTS = {"denoise": "0.4"}
_SAME = re.compile(r"Use same .*")
_HIRES_BEYOND = ("Hires checkpoint", "Hires VAE", "Hires Module 1")
_DETAILER = {
    "model": "detector",
    "prompt": "prompt",
    "negative prompt": "negative",
    "confidence": "confidence",
    "method to decide top k masks": "select",
    "mask only top k": "top_k",
    "mask min ratio": "min_ratio",
    "mask max ratio": "max_ratio",
    "bbox sort": "sort",
    "x offset": "x_offset",
    "y offset": "y_offset",
    "dilate erode": "dilate",
    "mask blur": "blur",
    "denoising strength": "denoise",
    "inpaint only masked": "only_masked",
    "inpaint padding": "padding",
}
# What counts only where its switch is on: the switch, the key, the field.
_DETAILER_SWITCHED = (
    ("use separate steps", "steps", "steps"),
    ("use separate CFG scale", "CFG scale", "cfg"),
    ("use separate sampler", "sampler", "sampler"),
    ("use separate sampler", "scheduler", "scheduler"),
)
_DETAILER_BEYOND = (
    "model classes", "mask merge invert", "use separate checkpoint", "use separate VAE",
    "use separate noise multiplier", "restore face", "ControlNet model",
)  # fmt: skip
_OFF = ("None", "False", "Passthrough", "")
_KEY = re.compile(r"ADetailer (.+?)(?: (2nd|3rd|\d+th))?")


def refuse(what: str, place: str) -> NoReturn:
    """Raises UserError for what a record asks for and cannot get."""
    hint = "take that setting out of the record to render it without"
    raise UserError(f"the record at `{place}` has {what}, which tagkit cannot render", place, hint)


def recorded_hires(settings: Mapping[str, str], place: str) -> dict[str, str] | None:
    """The hires pass of a record, None without. Raises UserError for what tagkit has not."""
    if not any(key.startswith("Hires ") for key in settings):
        if "Denoising strength" in settings:
            refuse(
                "`Denoising strength` and no `Hires upscale`: a picture made from another", place
            )
        return None
    own = {key: value for key, value in settings.items() if not _SAME.fullmatch(value)}
    for key in _HIRES_BEYOND:
        if own.get(key, "") not in _OFF:
            refuse(f"`{key}: {own[key]}`", place)
    said = {field: own[key] for key, field in _HIRES.items() if key in own}
    if "size" not in said:
        said = {"scale": "2"} | said
    return _HIRES_DEFAULTS | said


def recorded_detailers(settings: Mapping[str, str], place: str) -> list[dict[str, str]]:
    """ADetailer's tabs in their order. Raises UserError for what tagkit has not."""
    tabs: dict[str, dict[str, str]] = {}
    for key, value in settings.items():
        found = _KEY.fullmatch(key.replace("/", " "))
        if found and found[1] != "version":
            tabs.setdefault(found[2] or "", {})[found[1]] = value
    return [_detailer(tab, place) for tab in tabs.values() if tab.get("model") != "None"]


def _detailer(tab: Mapping[str, str], place: str) -> dict[str, str]:
    if "model" not in tab:
        refuse("a detailer whose detector it does not name", place)
    for key in _DETAILER_BEYOND:
        if tab.get(key, "") not in _OFF:
            refuse(f"`ADetailer {key}: {tab[key]}`", place)
    said = {field: tab[key] for key, field in _DETAILER.items() if key in tab}
    said |= dict(_switched(tab))
    if _is_on(tab, "use inpaint width height"):
        sides = [tab.get(f"inpaint {side}", "512") for side in ("width", "height")]
        said["size"] = "x".join(sides)
    if "select" in said:
        said["select"] = said["select"].lower()
    return (
        _DETAILER_DEFAULTS | said | {"detector": re.sub(r"\.(?:pt|onnx)\Z", "", said["detector"])}
    )


def _switched(tab: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for switch, key, field in _DETAILER_SWITCHED:
        if _is_on(tab, switch) and key in tab and not _SAME.match(tab[key]):
            yield field, tab[key]


def _is_on(tab: Mapping[str, str], switch: str) -> bool:
    return tab.get(switch) == "True"
