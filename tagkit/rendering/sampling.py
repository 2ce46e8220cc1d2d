"""Samplers, as k-diffusion writes them (Karras et al., arXiv:2206.00364).

A sampler is a function `(denoise, latents, sigmas, noise) -> latents`:
denoise: `(latents, sigma, step)` to the picture that the model sees in them; `step` counts its
calls from 0. latents: (images, 4, height / 8, width / 8), at the noise level of the first sigma.
sigmas: falling noise levels. noise: `(above, below)`, the levels of a step, to standard normal
noise in the shape of `latents`.

All of them go part of the way to a picture in a straight line; they differ in which picture, how
far, and how much noise comes back.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tagkit.rendering.sampler_names import SAMPLER_TRAITS
from tagkit.rendering.unipc import unipc

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from tagkit.rendering.noise import BatchNoise

    Denoise = Callable[[Tensor, Tensor, int], Tensor]
    Noise = Callable[[Tensor, Tensor], Tensor]
    Sampler = Callable[[Denoise, Tensor, Tensor, Noise], Tensor]


def drawn(sampler: str, denoise: Denoise, sigmas: Tensor, noise: BatchNoise) -> Tensor:
    """Pictures from noise alone. sigmas: the sampler's `noise_levels`."""
    level = (sigmas[0] ** 2 + 1).sqrt() if SAMPLER_TRAITS[sampler].timed else sigmas[0]
    start = noise.draw() * level
    return SAMPLERS[sampler](denoise, start, sigmas, _step_noise(sampler, sigmas, noise))


def redrawn(
    sampler: str, denoise: Denoise, latents: Tensor, sigmas: Tensor, start: int, noise: BatchNoise
) -> Tensor:
    """Pictures from pictures: noised to the level of `start`, and denoised from there.

    sigmas, start: as `redrawing_levels` gives them.
    """
    if start == len(sigmas) - 1:
        return latents
    noised = latents + noise.draw() * sigmas[start]
    between = _step_noise(sampler, sigmas, noise)
    return SAMPLERS[sampler](denoise, noised, sigmas[start:], between)


def _step_noise(sampler: str, sigmas: Tensor, noise: BatchNoise) -> Noise:
    if SAMPLER_TRAITS[sampler].brownian:
        return noise.brownian(sigmas[sigmas > 0].min().item(), sigmas.max().item())
    return lambda above, below: noise.draw()


def euler(denoise: Denoise, latents: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    """Euler's method ("Euler")."""
    for step, (sigma, following) in enumerate(pairwise(sigmas)):
        latents = _toward(denoise(latents, sigma, step), latents, following / sigma)
    return latents


def euler_ancestral(denoise: Denoise, latents: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    """Euler's method, each step overshot and made up for with fresh noise ("Euler a")."""
    for step, (sigma, following) in enumerate(pairwise(sigmas)):
        down, up = _ancestral_levels(sigma, following)
        latents = _toward(denoise(latents, sigma, step), latents, down / sigma)
        if following > 0:
            latents = latents + noise(sigma, following) * up
    return latents


def dpmpp_2m(denoise: Denoise, latents: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    """DPM-Solver++(2M) of Lu et al., arXiv:2211.01095 ("DPM++ 2M")."""
    before = latents
    for step, (sigma, following) in enumerate(pairwise(sigmas)):
        picture = denoise(latents, sigma, step)
        ahead = _ahead(picture, before, sigmas, step)
        latents, before = _toward(ahead, latents, following / sigma), picture
    return latents


def dpmpp_2m_sde(denoise: Denoise, latents: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    """The same with noise, solved in the middle of each step ("DPM++ 2M SDE")."""
    before = latents
    for step, (sigma, following) in enumerate(pairwise(sigmas)):
        picture = denoise(latents, sigma, step)
        ahead = _ahead(picture, before, sigmas, step)
        ratio = following / sigma
        latents, before = _toward(ahead, latents, ratio**2), picture
        if following > 0:
            latents = latents + noise(sigma, following) * following * (1 - ratio**2).sqrt()
    return latents


def dpmpp_sde(denoise: Denoise, latents: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    """DPM-Solver++(2S) with noise: a look from the middle of each step ("DPM++ SDE")."""
    for step, (sigma, following) in enumerate(pairwise(sigmas)):
        picture = denoise(latents, sigma, 2 * step)
        if following == 0:
            return picture
        middle = (sigma * following).sqrt()
        down, up = _ancestral_levels(sigma, middle)
        halfway = _toward(picture, latents, down / sigma) + noise(sigma, middle) * up
        down, up = _ancestral_levels(sigma, following)
        picture = denoise(halfway, middle, 2 * step + 1)
        latents = _toward(picture, latents, down / sigma) + noise(sigma, following) * up
    return latents


def dpmpp_2s_ancestral(denoise: Denoise, latents: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    """DPM-Solver++(2S), each step overshot and made up for with fresh noise ("DPM++ 2S a")."""
    for step, (sigma, following) in enumerate(pairwise(sigmas)):
        picture = denoise(latents, sigma, 2 * step)
        if following == 0:
            return picture
        down, up = _ancestral_levels(sigma, following)
        middle = (sigma * down).sqrt()
        halfway = _toward(picture, latents, middle / sigma)
        picture = denoise(halfway, middle, 2 * step + 1)
        latents = _toward(picture, latents, down / sigma) + noise(sigma, following) * up
    return latents


def ddim(denoise: Denoise, latents: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    """DDIM without noise (Song et al., arXiv:2010.02502): Euler's method at times of its own."""
    return _unscaled(euler(denoise, latents, sigmas, noise), sigmas[-1])


def _unipc(denoise: Denoise, latents: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    return _unscaled(unipc(denoise, latents, sigmas), sigmas[-1])


def _unscaled(latents: Tensor, sigma: Tensor) -> Tensor:
    """As A1111 ends where noise is left: of variance 1 with the noise, not without."""
    return latents / (sigma**2 + 1).sqrt()


def _toward(picture: Tensor, latents: Tensor, ratio: Tensor) -> Tensor:
    """From `latents` straight to `picture`, until `ratio` of the noise is left."""
    return picture + (latents - picture) * ratio


def _ahead(picture: Tensor, before: Tensor, sigmas: Tensor, step: int) -> Tensor:
    """What the model will see in the middle of the step, as it saw `before` at the last one."""
    if step == 0 or sigmas[step + 1] == 0:
        return picture
    above, sigma, below = sigmas[step - 1 : step + 2].log()
    return picture + (picture - before) * (sigma - below) / (above - sigma) / 2


def _ancestral_levels(sigma: Tensor, following: Tensor) -> tuple[Tensor, Tensor]:
    """The level to step down to, and how much noise leads from there up to `following`."""
    up = (following**2 * (sigma**2 - following**2) / sigma**2).sqrt().minimum(following)
    return (following**2 - up**2).sqrt(), up


SAMPLERS: dict[str, Sampler] = {
    "euler-a": euler_ancestral,
    "euler": euler,
    "dpm++-2m": dpmpp_2m,
    "dpm++-2m-sde": dpmpp_2m_sde,
    "dpm++-sde": dpmpp_sde,
    "dpm++-2s-a": dpmpp_2s_ancestral,
    "unipc": _unipc,
    "ddim": ddim,
}
