"""A job in A1111's words: what its picture carries, and what makes the same picture again.

`recorded` reads it back. Keys and their order are those of A1111 and ADetailer; figures that those
write only where they are unusual are left out likewise.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tagkit._version import __version__
from tagkit.errors import UserError
from tagkit.infotext import Infotext, read_image
from tagkit.prompt import parse
from tagkit.rendering.job import DetailerPass
from tagkit.rendering.resamplers import RESAMPLERS
from tagkit.rendering.sampler_names import sampler_label, scheduler_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tagkit.rendering.job import HiresPass, Job

    Pair = tuple[str, str]

_NOISES = {"cpu": "CPU", "nv": "NV"}
_HASH_DIGITS = 10  # of a file's SHA-256: what Civitai calls AutoV2
_EMBEDDING_DIGITS = 12
_ORDINALS = {1: "", 2: " 2nd", 3: " 3rd"}
# What ADetailer writes though it is usual.
_ALWAYS = ("confidence", "dilate", "blur", "denoise", "only_masked", "padding")
_DETAILER = {
    "confidence": "confidence",
    "prompt": "prompt",
    "negative": "negative prompt",
    "select": "method to decide top k masks",
    "top_k": "mask only top k",
    "min_ratio": "mask min ratio",
    "max_ratio": "mask max ratio",
    "sort": "bbox sort",
    "x_offset": "x offset",
    "y_offset": "y offset",
    "dilate": "dilate erode",
    "blur": "mask blur",
    "denoise": "denoising strength",
    "only_masked": "inpaint only masked",
    "padding": "inpaint padding",
}


def infotext(job: Job) -> Infotext:
    """The job's final prompts, and all that its picture was made with."""
    settings = {
        "Steps": str(job.steps),
        "Sampler": sampler_label(job.sampler),
        "Schedule type": scheduler_label(job.sampler, job.scheduler),
        "CFG scale": _number(job.cfg),
        "Seed": str(job.seed),
        "Size": f"{job.width}x{job.height}",
        "Model hash": (job.weights or "")[:_HASH_DIGITS],
        "Model": Path(job.checkpoint).stem if job.checkpoint else job.model,
        **dict(_model_settings(job)),
        "RNG": _NOISES[job.rng],
        **dict(_detailers(job)),
        **dict(_hires(job.hires, job) if job.hires else ()),
        **dict(_networks(job)),
        "Version": f"tagkit {__version__}",
    }
    return Infotext(job.prompt, job.negative or None, settings)


def is_picture_of(path: Path, job: Job) -> bool:
    """Whether the file is a picture that carries the recipe of this job."""
    try:
        found = read_image(path)
    except (UserError, OSError):
        return False
    own = infotext(job)
    unversioned = [{**each.settings, "Version": ""} for each in (found, own)]
    words = [(each.prompt, each.negative or "") for each in (found, own)]
    return words[0] == words[1] and unversioned[0] == unversioned[1]


def _model_settings(job: Job) -> Iterator[Pair]:
    if job.vae:
        yield "VAE hash", (job.vae_digest or "")[:_HASH_DIGITS]
        yield "VAE", _shown(job.vae)
    if job.hires:
        yield "Denoising strength", _number(job.hires.denoise)
    if job.clip_skip is not None:
        yield "Clip skip", str(job.clip_skip)
    if job.cfg_rescale:
        yield "CFG Rescale", _number(job.cfg_rescale)
    if job.emphasis == "no-norm":
        yield "Emphasis", "No norm"


def _hires(hires: HiresPass, job: Job) -> Iterator[Pair]:
    scale = hires.width / job.width
    if hires.height / job.height == scale and round(scale, 2) == scale:
        yield "Hires upscale", _number(scale)
    else:
        yield "Hires resize", f"{hires.width}x{hires.height}"
    if hires.steps:
        yield "Hires steps", str(hires.steps)
    resampler = RESAMPLERS.get(hires.upscaler)
    yield "Hires upscaler", resampler.infotext if resampler else _shown(hires.upscaler)
    if hires.cfg is not None:
        yield "Hires CFG Scale", _number(hires.cfg)
    if hires.sampler:
        yield "Hires sampler", sampler_label(hires.sampler)
    if hires.sampler or hires.scheduler:
        sampler = hires.sampler or job.sampler
        yield "Hires schedule type", scheduler_label(sampler, hires.scheduler or job.scheduler)
    yield from _said({"Hires prompt": hires.prompt, "Hires negative prompt": hires.negative})


def _detailers(job: Job) -> Iterator[Pair]:
    for number, each in enumerate(job.detailer, 1):
        suffix = _ORDINALS.get(number, f" {number}th")
        yield f"ADetailer model{suffix}", _shown(each.detector)
        for key, value in _detailer(each, job):
            yield f"ADetailer {key}{suffix}", value


def _detailer(detailer: DetailerPass, job: Job) -> Iterator[Pair]:
    usual = DetailerPass(detailer.detector)
    for field, key in _DETAILER.items():
        value = getattr(detailer, field)
        if field in _ALWAYS or value != getattr(usual, field):
            yield key, _number(value) if isinstance(value, float) else str(value)
    if detailer.width:
        yield "use inpaint width height", "True"
        yield "inpaint width", str(detailer.width)
        yield "inpaint height", str(detailer.height)
    if detailer.steps:
        yield from (("use separate steps", "True"), ("steps", str(detailer.steps)))
    if detailer.cfg is not None:
        yield from (("use separate CFG scale", "True"), ("CFG scale", _number(detailer.cfg)))
    if detailer.sampler or detailer.scheduler:
        sampler = detailer.sampler or job.sampler
        yield from (("use separate sampler", "True"), ("sampler", sampler_label(sampler)))
        yield "scheduler", scheduler_label(sampler, detailer.scheduler or job.scheduler)


def _networks(job: Job) -> Iterator[Pair]:
    """Hashes of all; names and weights of those that the prompt does not name itself."""
    written = {network.name for network in parse(job.prompt).networks} if job.loras else set()
    unwritten = [lora for lora in job.loras if lora.name not in written]
    apart = [lora for lora in unwritten if lora.text_weight != lora.weight]
    yield from _said(
        {
            "Lora hashes": _listed((lora.name, lora.a1111_hash) for lora in job.loras),
            "Lora weights": _listed((lora.name, _number(lora.weight)) for lora in unwritten),
            "Lora text weights": _listed((lora.name, _number(lora.text_weight)) for lora in apart),
            "TI hashes": _listed(
                (each.name, (each.digest or "")[:_EMBEDDING_DIGITS]) for each in job.embeddings
            ),
        }
    )


def _listed(pairs: Iterable[Pair]) -> str:
    return ", ".join(f"{_shown(name)}: {value}" for name, value in pairs)


def _shown(name: str) -> str:
    """Where a file lies on this machine is nobody's business."""
    return Path(name).stem if Path(name).is_absolute() else name


def _said(texts: dict[str, str]) -> Iterator[Pair]:
    yield from ((key, text) for key, text in texts.items() if text)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)
