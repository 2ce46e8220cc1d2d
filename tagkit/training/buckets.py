"""Aspect-ratio buckets: a few sizes of about one area, and how a picture is cut to the nearest.

The idea is NovelAI's; the list of sizes is made as sd-scripts makes it.
"""

from __future__ import annotations

from math import isqrt, log
from typing import TYPE_CHECKING, NamedTuple

from tagkit.errors import UserError

if TYPE_CHECKING:
    from tagkit.cards import Buckets


class Size(NamedTuple):
    """In pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class Fit(NamedTuple):
    """How a picture comes to its bucket: scaled to `width` x `height`, then cut from `left`, `top`.

    lost: the share of the scaled picture that is cut off, 0 to 1.
    """

    width: int
    height: int
    left: int
    top: int
    lost: float


def bucket_sizes(buckets: Buckets) -> tuple[Size, ...]:
    """Every size within the limits of as many pixels as fit the area, narrow ones first.

    Raises UserError where there is none.
    """
    step, area = buckets.step, buckets.resolution**2
    square = isqrt(area) // step * step
    sizes = {Size(square, square)} if buckets.min <= square <= buckets.max else set()
    for side in range(-(-buckets.min // step) * step, buckets.max + 1, step):
        other = min(buckets.max, area // side) // step * step
        if other >= buckets.min:
            sizes |= {Size(side, other), Size(other, side)}
    if not sizes:
        limits = f"sides {buckets.min} to {buckets.max} in steps of {step}"
        what = f"no bucket has {limits} and at most {area:,} pixels"
        raise UserError(what, "", "change `buckets`: resolution, min, max, step")
    return tuple(sorted(sizes))


def bucket_of(width: int, height: int, sizes: tuple[Size, ...], buckets: Buckets) -> Size:
    """The size whose shape is nearest to that of a picture; of two as near, the larger."""
    shape = log(width / height)
    nearest = min(
        sizes,
        key=lambda size: (abs(log(size.width / size.height) - shape), -size.width * size.height),
    )
    if buckets.upscale or (width >= nearest.width and height >= nearest.height):
        return nearest
    return Size(
        *(min(side, buckets.max) // buckets.step * buckets.step for side in (width, height))
    )


def fitted(width: int, height: int, size: Size) -> Fit:
    """A picture scaled until it covers `size`, and cut to it from its middle."""
    scale = max(size.width / width, size.height / height)
    wide, tall = max(round(width * scale), size.width), max(round(height * scale), size.height)
    lost = 1 - size.width * size.height / (wide * tall)
    return Fit(wide, tall, (wide - size.width) // 2, (tall - size.height) // 2, lost)
