"""Hires fix as A1111 does it: a picture enlarged, and its larger latent drawn again in part."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
import torch
from torch.nn.functional import interpolate

from tagkit.rendering.pipeline import first_pass
from tagkit.rendering.resamplers import Resampler
from tagkit.rendering.sampler_names import scheduled_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from tagkit.rendering.job import HiresPass, Job
    from tagkit.rendering.pipeline import Pass
    from tagkit.rendering.upscaling import Upscaler
    from tagkit.rendering.vae import Picture

_FACTOR = 8


class Repainter(Protocol):
    """What hires fix needs of a pipeline."""

    def encoded(self, pictures: Sequence[Picture]) -> Tensor:
        """Pictures of one size as latents."""

    def repainted(self, latents: Tensor, passes: Sequence[Pass]) -> Tensor:
        """The latents drawn again in part."""


class Base(NamedTuple):
    """A picture to enlarge, and what for. latent: None if the picture was read from disk."""

    job: Job
    hires: HiresPass
    picture: Picture
    latent: Tensor | None = None


class Canvas(NamedTuple):
    """An enlarged latent (4, height / 8, width / 8) that is to be drawn again."""

    job: Job
    hires: HiresPass
    latent: Tensor


def redrawn(canvases: Sequence[Canvas], pipeline: Repainter) -> list[Tensor]:
    """The finished latents of jobs that can share a batch.

    Raises MemoryError where the device has too little for so many at once.
    """
    latents = torch.stack([canvas.latent for canvas in canvases])
    return [*pipeline.repainted(latents, [second_pass(each.job, each.hires) for each in canvases])]


def second_pass(job: Job, hires: HiresPass) -> Pass:
    """Exactly so many steps as stated, from a new stream of the same seed."""
    return msgspec.structs.replace(
        first_pass(job),
        prompt=hires.prompt or job.prompt,
        negative=hires.negative or job.negative,
        steps=hires.steps or job.steps,
        cfg=job.cfg if hires.cfg is None else hires.cfg,
        sampler=hires.sampler or job.sampler,
        scheduler=hires.scheduler or job.scheduler,
        denoise=hires.denoise,
        after=scheduled_steps(job.sampler, job.steps),
    )


def covering(job: Job, hires: HiresPass) -> tuple[int, int]:
    """Width and height that the whole picture is enlarged to, so that it covers its target."""
    if job.width * hires.height < hires.width * job.height:
        return hires.width, hires.width * job.height // job.width
    return hires.height * job.width // job.height, hires.height


def enlarged(base: Base, pipeline: Repainter, upscaler: Resampler | Upscaler) -> Canvas:
    """The larger latent, cut in its middle to the target. A Resampler enlarges latents."""
    width, height = covering(base.job, base.hires)
    rows, columns = height // _FACTOR, width // _FACTOR
    if isinstance(upscaler, Resampler):
        latent = pipeline.encoded([base.picture])[0] if base.latent is None else base.latent
        mode, antialias = upscaler.mode, upscaler.antialias
        larger = interpolate(latent[None], (rows, columns), mode=mode, antialias=antialias)[0]
    else:
        picture = upscaler(base.picture, width, height)
        larger = pipeline.encoded([picture[: rows * _FACTOR, : columns * _FACTOR]])[0]
    tall, wide = base.hires.height // _FACTOR, base.hires.width // _FACTOR
    top, left = (rows - tall) // 2, (columns - wide) // 2
    return Canvas(base.job, base.hires, larger[:, top : top + tall, left : left + wide])
