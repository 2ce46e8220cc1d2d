"""UniPC (Zhao et al., arXiv:2302.04867): a predictor and a corrector from the same evaluations.

Third order, the variant B1 of the paper that predicts pictures, lower orders at both ends: A1111's
defaults.
"""

from __future__ import annotations

from math import expm1, factorial
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

_ORDER = 3


def unipc(
    denoise: Callable[[Tensor, Tensor, int], Tensor], latents: Tensor, sigmas: Tensor
) -> Tensor:
    """The latents at the last of `sigmas`; arguments as those of a sampler (`sampling`)."""
    steps = len(sigmas) - 1
    times = [-sigma.double().log().item() if sigma > 0 else torch.inf for sigma in sigmas]
    pictures = [denoise(latents, sigmas[0], 0)]
    for step in range(steps):
        order = min(_ORDER, step + 1, steps - step)
        reach = times[step + 1] - times[step]
        now = pictures[-1]
        straight = now + (latents - now) * (sigmas[step + 1] / sigmas[step])
        # Points of time around `now` in units of the step, and how the picture changes up to them.
        ratios = [(times[step - back] - times[step]) / reach for back in range(1, order)]
        slopes = [(pictures[-1 - back] - now) / ratios[back - 1] for back in range(1, order)]
        predicted = straight + _bend(slopes, ratios, reach)
        if step == steps - 1:
            return predicted
        seen = denoise(predicted, sigmas[step + 1], step + 1)
        latents = straight + _bend([*slopes, seen - now], [*ratios, 1.0], reach)
        pictures = [*pictures[1 - _ORDER :], seen]
    return latents


def _bend(slopes: Sequence[Tensor], ratios: Sequence[float], reach: float) -> Tensor | float:
    """How far the way bends away from a straight line."""
    if not slopes:
        return 0.0
    weights = _weights(ratios, reach)
    return sum(slope * weight for slope, weight in zip(slopes, weights, strict=True))


def _weights(ratios: Sequence[float], reach: float) -> list[float]:
    """The weights of the slopes that make polynomials up to their number exact (equation 11).

    For a single one the paper takes the half of the step.
    """
    count = len(ratios)
    if count == 1:
        return [reach / 2]
    powers = [[ratio**power for ratio in ratios] for power in range(count)]
    wanted, phi = [], expm1(-reach)
    for power in range(1, count + 1):
        phi = phi / -reach - 1 / factorial(power)
        wanted.append(-phi * factorial(power))
    exact = (torch.tensor(side, dtype=torch.float64) for side in (powers, wanted))
    solved: list[float] = torch.linalg.solve(*exact).tolist()
    return solved
