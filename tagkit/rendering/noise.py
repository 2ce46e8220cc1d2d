"""Noise, one stream an image: an image does not depend on what is rendered beside it.

A stream is asked for the noise of the start and of every ancestral step in turn, as A1111's
ImageRNG asks its generators. `cpu` is A1111's "RNG: CPU". `nv` is its "RNG: NV": the numbers
that CUDA draws, computed in software, as its default "GPU" gives them on any NVIDIA card.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt
    import torch
    from torch import Tensor

    Stream = Callable[[tuple[int, ...]], Tensor]
    Words = npt.NDArray[np.uint32]

# Philox 4x32: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


class BatchNoise:
    """The noise of several pictures, each from streams of its own seed.

    shape: of one picture's latents. Noise is drawn on the CPU and moved to `device`.
    """

    def __init__(
        self, rng: str, seeds: Sequence[int], shape: tuple[int, ...], device: torch.device
    ) -> None:
        self._rng = rng
        self._seeds = seeds
        self._shape = shape
        self._device = device
        self._streams = [noise_stream(rng, seed) for seed in seeds]

    def draw(self) -> Tensor:
        """Standard normal noise (pictures, *shape), anew at each call."""
        return self._together([stream(self._shape) for stream in self._streams])

    def brownian(self, low: float, high: float) -> Callable[[Tensor, Tensor], Tensor]:
        """Standard normal noise between two levels, from Brownian motions over `low` to `high`."""
        from tagkit.rendering.brownian import BrownianMotion

        motions = [BrownianMotion(self._rng, seed, self._shape, low, high) for seed in self._seeds]
        return lambda above, below: self._together(
            [motion.noise(above.item(), below.item()) for motion in motions]
        )

    def _together(self, parts: list[Tensor]) -> Tensor:
        import torch

        return torch.stack(parts).to(self._device)


def noise_stream(rng: str, seed: int) -> Stream:
    """A function that draws standard normal float32 noise of a shape, anew at each call.

    rng: `cpu` or `nv`. seed: at least 0.
    """
    return _cuda_stream(seed) if rng == "nv" else _cpu_stream(seed)


def _cpu_stream(seed: int) -> Stream:
    import torch

    generator = torch.Generator("cpu").manual_seed(seed)
    return lambda shape: torch.randn(shape, generator=generator, dtype=torch.float32)


def _cuda_stream(seed: int) -> Stream:
    import torch

    draws = count()
    return lambda shape: torch.from_numpy(philox_normal(seed, next(draws), shape))


def philox_normal(seed: int, draw: int, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Standard normal noise as CUDA draws it: `draw` counts the draws of one generator from 0."""
    import numpy as np

    size = int(np.prod(shape))
    counter = [np.zeros(size, np.uint32) for _ in range(4)]
    counter[0][:] = draw
    counter[2][:] = np.arange(size, dtype=np.uint32)
    words = _philox(counter, (seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF))
    # Box and Muller's transform of two uniform numbers, each in the middle of its interval.
    u, v = ((word.astype(np.float64) + 0.5) / 2**32 for word in words[:2])
    normal = np.sqrt(-2 * np.log(u)) * np.sin(2 * np.pi * v)
    result: npt.NDArray[np.float32] = normal.astype(np.float32).reshape(shape)
    return result


def _philox(counter: list[Words], key: tuple[int, int]) -> list[Words]:
    """Ten rounds; the key moves on by a constant between two."""
    import numpy as np

    for turn in range(_ROUNDS):
        keys = [
            np.uint32(part + turn * step & 0xFFFFFFFF)
            for part, step in zip(key, _KEY_STEPS, strict=True)
        ]
        low0, high0 = _multiplied(counter[0], _MULTIPLIERS[0])
        low2, high2 = _multiplied(counter[2], _MULTIPLIERS[1])
        counter = [high2 ^ counter[1] ^ keys[0], low2, high0 ^ counter[3] ^ keys[1], low0]
    return counter


def _multiplied(words: Words, by: int) -> tuple[Words, Words]:
    """Lower and upper half of the 64-bit product."""
    import numpy as np

    product = words.astype(np.uint64) * np.uint64(by)
    return product.astype(np.uint32), (product >> np.uint64(32)).astype(np.uint32)
