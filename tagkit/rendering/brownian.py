"""Brownian motion over noise levels: what the SDE samplers take for noise.

A step's noise is the way that the motion makes between two levels, so the same seed gives much the
same picture with another number of steps. The numbers are those of torchsde's `BrownianTree` as
k-diffusion and A1111 use it, so that pictures are A1111's; unlike it, they can come from A1111's
"RNG: NV" as well.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from tagkit.rendering.noise import noise_stream

if TYPE_CHECKING:
    from torch import Tensor

# torchsde's: levels are told apart to so many decimals; words of entropy.
_DECIMALS = 6
_POOL = 24
# Samplers ask for two ways from one level, hence the last few places are kept.
_REMEMBERED = 3


class BrownianMotion:
    """The motion of one picture's latents, from `low` to `high`, the lowest and highest level.

    rng, seed: as in `noise_stream`. shape: of the latents.
    """

    def __init__(
        self, rng: str, seed: int, shape: tuple[int, ...], low: float, high: float
    ) -> None:
        self._rng = rng
        self._seed = seed
        self._shape = shape
        self._low, self._high = round(low, _DECIMALS), round(high, _DECIMALS)
        self._end = self._drawn(()) * (high - low) ** 0.5
        self._at = lru_cache(_REMEMBERED)(self._place)

    def noise(self, above: float, below: float) -> Tensor:
        """The way from level `above` down to `below`, as standard normal noise; float32."""
        return (self._at(below) - self._at(above)) / (above - below) ** 0.5

    def _place(self, level: float) -> Tensor:
        """Where the motion is at `level`: intervals are halved until one ends there.

        In the middle of an interval the motion is normal around the mean of its ends. An interval
        is known by its number among those of its depth, and that decides what is drawn for it.
        """
        level = min(max(round(level, _DECIMALS), self._low), self._high)
        start, end = self._low, self._high
        at_start, at_end = self._end * 0, self._end
        number = depth = 0
        while level not in (start, end):
            middle = round((start + end) / 2, _DECIMALS)
            share = (middle - start) / (end - start)
            spread = (share * (end - middle)) ** 0.5
            at_middle = at_start + (at_end - at_start) * share
            at_middle += self._drawn((number, depth)) * spread
            if level > middle:
                start, at_start, number = middle, at_middle, 2 * number + 1
            else:
                end, at_end, number = middle, at_middle, 2 * number
            depth += 1
        return at_start if level == start else at_end

    def _drawn(self, key: tuple[int, ...]) -> Tensor:
        entropy = np.random.SeedSequence(self._seed, spawn_key=key, pool_size=_POOL)
        return noise_stream(self._rng, int(entropy.generate_state(1)[0]))(self._shape)
