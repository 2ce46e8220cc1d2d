"""Samplers, as k-diffusion writes them (Karras et al., arXiv:2206.00364), and their sigmas.

A sampler is a function `(denoise, latents, sigmas, noise) -> latents`:
denoise: `(latents, sigma, step)` to the picture that the model sees in them.
latents: (images, 4, height / 8, width / 8), already at the noise level of the first sigma.
sigmas: falling noise levels, the last one 0. noise: draws noise in the shape of `latents`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Denoise = Callable[[Tensor, Tensor, int], Tensor]
    Sampler = Callable[[Denoise, Tensor, Tensor, Callable[[], Tensor]], Tensor]

# SDXL's training schedule, from the scheduler's configuration of SDXL base 1.0.
TRAINING_STEPS = 1000
_BETA_START, _BETA_END = 0.00085, 0.012


def training_sigmas() -> Tensor:
    """Noise level at each training step, rising, shape (1000,), float64."""
    betas = torch.linspace(_BETA_START**0.5, _BETA_END**0.5, TRAINING_STEPS, dtype=torch.float64)
    kept = (1 - betas**2).cumprod(0)
    return ((1 - kept) / kept).sqrt()


def evenly_timed(steps: int) -> Tensor:
    """A1111's sigmas for the schedule "Automatic": steps evenly spaced in time, then 0.

    Shape (steps + 1,), float32. Between training steps the logarithm of sigma is interpolated.
    """
    times = torch.linspace(TRAINING_STEPS - 1, 0, steps, dtype=torch.float64)
    below, above = times.floor().long(), times.ceil().long()
    logarithms = training_sigmas().log()
    sigmas = torch.lerp(logarithms[below], logarithms[above], times - below).exp()
    return torch.cat([sigmas, sigmas.new_zeros(1)]).float()


def tail(steps: int, denoise: float, *, exact: bool) -> Tensor:
    """The last sigmas of a schedule that is long enough for its end to begin at `denoise`.

    exact: A1111's hires fix, int(steps / denoise) steps of which the last `steps` are taken; else
    its img2img, the last int(denoise * steps) + 1 of `steps`. Empty if exactly nothing is to be
    drawn anew, the whole schedule of `steps` if exactly everything is.
    """
    if exact and denoise in (0, 1):
        return evenly_timed(steps) if denoise else torch.zeros(0)
    denoise = min(denoise, 0.999)
    taken = steps if exact else int(denoise * steps) + 1
    return evenly_timed(int(steps / denoise) if exact else steps)[-taken - 1 :]


def time_of(sigma: Tensor) -> Tensor:
    """The training step, with its fraction, whose noise level is `sigma`."""
    logarithms = training_sigmas().log()
    wanted = sigma.double().log()
    above = torch.searchsorted(logarithms, wanted).clamp(1, TRAINING_STEPS - 1)
    low, high = logarithms[above - 1], logarithms[above]
    return above - 1 + ((wanted - low) / (high - low)).clamp(0, 1)


def euler_ancestral(
    denoise: Denoise, latents: Tensor, sigmas: Tensor, noise: Callable[[], Tensor]
) -> Tensor:
    """Euler's method, each step overshot and made up for with fresh noise ("Euler a")."""
    for step, (sigma, following) in enumerate(pairwise(sigmas)):
        slope = (latents - denoise(latents, sigma, step)) / sigma
        down, up = _ancestral_levels(sigma, following)
        latents = latents + slope * (down - sigma)
        if following > 0:
            latents = latents + noise() * up
    return latents


def _ancestral_levels(sigma: Tensor, following: Tensor) -> tuple[Tensor, Tensor]:
    """The level to step down to, and how much noise leads from there up to `following`."""
    up = (following**2 * (sigma**2 - following**2) / sigma**2).sqrt().minimum(following)
    return (following**2 - up**2).sqrt(), up


SAMPLERS: dict[str, Sampler] = {"euler-a": euler_ancestral}
