"""Noise levels: those that SDXL was trained with, and the ways down through them.

A schedule is a function `(steps, training) -> levels`: `training` are the noise levels of the
training steps, rising; `levels` fall, float64, without the 0 at the end. The formulas are those of
k-diffusion (Karras et al., arXiv:2206.00364) and A1111.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from tagkit.rendering.sampler_names import SAMPLER_TRAITS, schedule_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Schedule = Callable[[int, Tensor], Tensor]

# SDXL's training schedule, from the scheduler's configuration of SDXL base 1.0.
TRAINING_STEPS = 1000
_BETA_START, _BETA_END = 0.00085, 0.012
# What A1111, Forge and ComfyUI keep of the picture where nothing should be left, so that the
# highest noise level is 4518.8 and not infinite.
_ALMOST_ZERO = 4.8973451890853435e-08
_KARRAS_RHO = 7.0
_MOST_DENOISE = 0.999


@lru_cache(maxsize=2)
def training_sigmas(zero_snr: bool = False) -> Tensor:
    """Noise level at each training step, rising, shape (1000,), float64.

    zero_snr: rescaled so that nothing but noise is left at the last step (Lin et al.,
    arXiv:2305.08891, algorithm 1).
    """
    betas = torch.linspace(_BETA_START**0.5, _BETA_END**0.5, TRAINING_STEPS, dtype=torch.float64)
    kept = (1 - betas**2).cumprod(0)
    if zero_snr:
        root = kept.sqrt()
        kept = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
        kept[-1] = _ALMOST_ZERO
    return ((1 - kept) / kept).sqrt()


def time_of(sigma: Tensor, zero_snr: bool = False) -> Tensor:
    """The training step, with its fraction, whose noise level is `sigma`."""
    logarithms = training_sigmas(zero_snr).log()
    wanted = sigma.double().log()
    above = torch.searchsorted(logarithms, wanted).clamp(1, TRAINING_STEPS - 1)
    low, high = logarithms[above - 1], logarithms[above]
    return above - 1 + ((wanted - low) / (high - low)).clamp(0, 1)


def noise_levels(sampler: str, scheduler: str, steps: int, zero_snr: bool = False) -> Tensor:
    """The levels that a sampler goes through in `steps` steps, falling, float32.

    Shape (steps + 1,), and the last is 0; A1111's own levels for `unipc` and `ddim` end a little
    above 0, and their number is A1111's as well.
    """
    name = schedule_of(sampler, scheduler)
    levels = _SCHEDULES[name](steps, training_sigmas(zero_snr))
    if name not in _UNFINISHED:
        levels = torch.cat([levels, levels.new_zeros(1)])
    return levels.float()


def redrawing_levels(
    sampler: str, scheduler: str, steps: int, denoise: float, *, exact: bool, zero_snr: bool = False
) -> tuple[Tensor, int]:
    """The levels of a whole way down, and the index in them where redrawing a picture begins.

    denoise: 0 to 1. exact: as hires fix, `steps` steps from there on; else as img2img,
    `int(denoise * steps) + 1`. A1111 makes one or two steps less with `unipc` and `ddim`.
    """
    share = min(denoise, _MOST_DENOISE)
    if exact:
        whole, remaining = (int(steps / share), steps) if share else (steps, 0)
    else:
        whole, remaining = steps, int(share * steps) + 1
    levels = noise_levels(sampler, scheduler, whole, zero_snr)
    if len(levels) <= remaining:
        levels = noise_levels(sampler, scheduler, whole + 1, zero_snr)
    return levels, len(levels) - 1 - remaining


def _evenly_timed(steps: int, training: Tensor) -> Tensor:
    """A1111's "Automatic", "Uniform" and "Normal": evenly spaced in time."""
    return _levels_at(torch.linspace(TRAINING_STEPS - 1, 0, steps, dtype=torch.float64), training)


def _karras(steps: int, training: Tensor) -> Tensor:
    """Karras et al., equation 5."""
    high, low = (training[end].item() ** (1 / _KARRAS_RHO) for end in (-1, 0))
    return torch.linspace(high, low, steps, dtype=torch.float64) ** _KARRAS_RHO


def _exponential(steps: int, training: Tensor) -> Tensor:
    high, low = (training[end].log().item() for end in (-1, 0))
    return torch.linspace(high, low, steps, dtype=torch.float64).exp()


def _sgm_uniform(steps: int, training: Tensor) -> Tensor:
    """Evenly spaced in time, the last training step left out."""
    times = torch.linspace(TRAINING_STEPS - 1, 0, steps + 1, dtype=torch.float64)
    return _levels_at(times[:-1], training)


def _simple(steps: int, training: Tensor) -> Tensor:
    """Every so many training steps, from the last one down.

    A1111 takes some twice where there are more steps than training steps; multistep samplers would
    divide by their distance, so there the levels between them are taken.
    """
    stride = TRAINING_STEPS / steps
    if stride < 1:
        times = TRAINING_STEPS - 1 - torch.arange(steps, dtype=torch.float64) * stride
        return _levels_at(times.clamp(min=0), training)
    return training[[-1 - int(step * stride) for step in range(steps)]]


def _ddim(steps: int, training: Tensor) -> Tensor:
    """A1111's times for DDIM, the last of them 1; it makes one step less than there are times."""
    times = [min(time + 1, TRAINING_STEPS - 1) for time in range(0, TRAINING_STEPS, _stride(steps))]
    if len(times) == 1:
        times.append(TRAINING_STEPS - 1)
    return training[times[::-1]]


def _unipc(steps: int, training: Tensor) -> Tensor:
    """A1111's times for UniPC: evenly spaced, as many steps as DDIM has times."""
    count = len(range(0, TRAINING_STEPS, _stride(steps)))
    return _evenly_timed(count + 1, training)


def _stride(steps: int) -> int:
    return max(TRAINING_STEPS // steps, 1)


def _levels_at(times: Tensor, training: Tensor) -> Tensor:
    """Between training steps the logarithm of the level is interpolated, as in k-diffusion."""
    below, above = times.floor().long(), times.ceil().long()
    logarithms = training.log()
    return torch.lerp(logarithms[below], logarithms[above], times - below).exp()


_SCHEDULES: dict[str, Schedule] = {
    "automatic": _evenly_timed,
    "uniform": _evenly_timed,
    "normal": _evenly_timed,
    "karras": _karras,
    "exponential": _exponential,
    "sgm-uniform": _sgm_uniform,
    "simple": _simple,
    "unipc": _unipc,
    "ddim": _ddim,
}
_UNFINISHED = {traits.schedule for traits in SAMPLER_TRAITS.values() if traits.timed}
