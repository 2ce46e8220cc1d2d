"""The mathematics of training: noise, what is to be said of it, and how the answer is judged.

`times` are training steps from 0 to 999, one a picture, of SDXL's schedule; `levels` the noise
levels of k-diffusion: latents plus level times noise, so that the signal-to-noise ratio is
1 / level**2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tagkit.rendering.schedules import training_sigmas

if TYPE_CHECKING:
    from torch import Tensor

    from tagkit.rendering.prediction import Prediction


def levels_at(times: Tensor, trained: Prediction) -> Tensor:
    """Noise levels (n, 1, 1, 1), float32."""
    return training_sigmas(trained.zero_snr).to(times.device, torch.float32)[times][
        :, None, None, None
    ]


def noised(latents: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
    """The latents as the UNet sees them, of variance 1 whatever the level."""
    return (latents + noise * levels) / (levels**2 + 1).sqrt()


def wanted(latents: Tensor, noise: Tensor, levels: Tensor, trained: Prediction) -> Tensor:
    """What the UNet should say: the noise, or v (Salimans and Ho, arXiv:2202.00512)."""
    if trained.kind == "epsilon":
        return noise
    return (noise - latents * levels) / (levels**2 + 1).sqrt()


def min_snr_weights(levels: Tensor, gamma: float | None, trained: Prediction) -> Tensor:
    """How much each picture's error counts, (n, 1, 1, 1).

    Hang et al., arXiv:2303.09556: min(SNR, gamma) as a weight of the error in the picture itself,
    that is divided by SNR for the noise and by SNR + 1 for v. 1 for all without a gamma.
    """
    if gamma is None:
        return torch.ones_like(levels)
    ratio = levels**-2
    return ratio.clamp(max=gamma) / (ratio + (trained.kind == "v-prediction"))


def loss_of(said: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean square of the errors, a scalar; float32."""
    return ((said.float() - target.float()).square() * weights).mean()
