"""Masks, and the crops that are drawn instead of whole pictures, as A1111's inpainting has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    import numpy.typing as npt

    # (height, width, 3) or, of masks, (height, width).
    Pixels = npt.NDArray[np.uint8]

_LANCZOS = Image.Resampling.LANCZOS


class Region(NamedTuple):
    """Part of a picture: from left and top up to, not including, right and bottom."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top


def box_mask(box: tuple[float, float, float, float], width: int, height: int) -> Pixels:
    """255 in the box, its right and bottom edge included, 0 around it."""
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).rectangle(box, fill=255)
    return np.array(image)


def dilated(mask: Pixels, size: int) -> Pixels:
    """The mask grown by a `size` x `size` square, or shrunk if `size` is negative.

    As OpenCV's dilate and erode: a square of even size reaches one pixel further to the right and
    down, and what lies outside of the picture neither grows nor eats into it.
    """
    side, best, outside = abs(size), (np.max if size > 0 else np.min), (0 if size > 0 else 255)
    if side < 2:
        return mask
    before = side // 2
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (before, side - 1 - before)
        padded = np.pad(mask, padding, constant_values=outside)
        windows = np.lib.stride_tricks.sliding_window_view(padded, side, axis)
        mask = best(windows, axis=-1)
    return mask


def blurred(mask: Pixels, sigma: float) -> Pixels:
    """The mask under a Gaussian of 2 * int(2.5 * sigma + 0.5) + 1 pixels; edges are mirrored."""
    if sigma <= 0 or not mask.any():
        return mask
    reach = int(2.5 * sigma + 0.5)
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2)).astype(np.float32)
    kernel /= kernel.sum()
    # Further away it stays empty; twice as far, so that what is mirrored at a cut is empty too.
    left, top, right, bottom = masked_region(mask, 2 * reach)
    soft = np.zeros_like(mask)
    rows = _filtered(mask[top:bottom, left:right], kernel, axis=1)
    soft[top:bottom, left:right] = _filtered(rows, kernel, axis=0)
    return soft


def _filtered(mask: Pixels, kernel: npt.NDArray[np.float32], axis: int) -> Pixels:
    reach, length = len(kernel) // 2, mask.shape[axis]
    padding = [(0, 0), (0, 0)]
    padding[axis] = (reach, reach)
    padded = np.pad(mask, padding, mode="reflect").astype(np.float32)
    parts = (weight * padded.take(range(at, at + length), axis) for at, weight in enumerate(kernel))
    filtered: Pixels = sum(parts, np.float32(0)).round().clip(0, 255).astype(np.uint8)
    return filtered


def masked_region(mask: Pixels, padding: int) -> Region:
    """The smallest region that holds all of a mask that is not empty, and `padding` around it."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Region(
        max(int(columns[0]) - padding, 0),
        max(int(rows[0]) - padding, 0),
        min(int(columns[-1]) + 1 + padding, width),
        min(int(rows[-1]) + 1 + padding, height),
    )


def grown(region: Region, ratio: float, width: int, height: int) -> Region:
    """The region made wider or taller until width / height is `ratio`, as far as the picture goes.

    It grows to both sides, and moves where a side is the picture's edge.
    """
    left, top, right, bottom = region
    wide, tall = region.size
    if wide / tall > ratio:
        top, bottom = _widened(top, bottom, int(wide / ratio - tall), height)
    else:
        left, right = _widened(left, right, int(tall * ratio - wide), width)
    return Region(left, top, right, bottom)


def _widened(start: int, end: int, more: int, limit: int) -> tuple[int, int]:
    start, end = start - more // 2, end + more - more // 2
    start, end = start - max(end - limit, 0), min(end, limit)
    return max(start, 0), min(end - min(start, 0), limit)


def cropped(pixels: Pixels, region: Region, width: int, height: int) -> Pixels:
    """A region scaled to fit a size; where its ratio is another one, its edges are drawn out."""
    left, top, right, bottom = region
    wide, tall = region.size
    inner = (width, tall * width // wide)
    if width / height >= wide / tall:
        inner = (wide * height // tall, height)
    scaled = _scaled(pixels[top:bottom, left:right], *inner)
    x, y = width // 2 - inner[0] // 2, height // 2 - inner[1] // 2
    padding = [(y, height - y - inner[1]), (x, width - x - inner[0]), (0, 0)][: pixels.ndim]
    return np.pad(scaled, padding, mode="edge")


def pasted(picture: Pixels, patch: Pixels, region: Region, mask: Pixels) -> Pixels:
    """The picture with `patch`, the region as `cropped` gave it drawn anew, through the mask.

    mask: of the whole picture; 255 takes the patch, 0 leaves the picture, between they are mixed.
    """
    left, top, right, bottom = region
    wide, tall = region.size
    height, width = patch.shape[:2]
    cover = (wide, height * wide // width)
    if wide / tall <= width / height:
        cover = (width * tall // height, tall)
    scaled = _scaled(patch, *cover)
    x, y = cover[0] // 2 - wide // 2, cover[1] // 2 - tall // 2
    inside = scaled[y : y + tall, x : x + wide].astype(np.float32)
    weight = mask[top:bottom, left:right, None].astype(np.float32) / 255
    result: Pixels = picture.copy()
    below = picture[top:bottom, left:right]
    result[top:bottom, left:right] = (inside * weight + below * (1 - weight)).round()
    return result


def latent_mask(mask: Pixels) -> npt.NDArray[np.float32]:
    """(height / 8, width / 8) of 0 and 1: which latents of a crop with this mask are drawn anew."""
    height, width = mask.shape
    small = Image.fromarray(mask).resize((width // 8, height // 8), Image.Resampling.BICUBIC)
    rounded: npt.NDArray[np.float32] = (np.asarray(small, np.float32) / 255).round()
    return rounded


def _scaled(pixels: Pixels, width: int, height: int) -> Pixels:
    if pixels.shape[1::-1] == (width, height):
        return pixels
    return np.array(Image.fromarray(pixels).resize((max(width, 1), max(height, 1)), _LANCZOS))
