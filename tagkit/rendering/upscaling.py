"""Pictures enlarged, by resampling or by the networks that spandrel knows (DAT, ESRGAN, SwinIR…).

An upscaler is a function `(picture, width, height) -> picture` of (height, width, 3) bytes.
"""

from __future__ import annotations

import math
import warnings
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from PIL import Image

from tagkit.errors import UserError
from tagkit.rendering.memory import memory_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt
    from spandrel import ImageModelDescriptor
    from torch import Tensor, nn

    Picture = npt.NDArray[np.uint8]
    Upscaler = Callable[[Picture, int, int], Picture]

SUFFIXES = (".safetensors", ".pth")
OVERLAP = 32
_TILE, _SMALLEST_TILE = 256, 64
_TILES_AT_ONCE = {"cuda": 4}
# As A1111 does: a network of a small factor is not asked for ever.
_MOST_ROUNDS = 3


class Tile(NamedTuple):
    """Its upper left corner, in pixels of the picture."""

    top: int
    left: int


def resampled(picture: Picture, width: int, height: int, mode: str = "LANCZOS") -> Picture:
    """The picture in another size. mode: one of Pillow's."""
    if picture.shape[:2] == (height, width):
        return picture
    image = Image.fromarray(picture).resize((width, height), Image.Resampling[mode])
    return np.asarray(image)


def resampler(mode: str) -> Upscaler:
    """An upscaler that needs no network."""
    return partial(resampled, mode=mode)


class Network:
    """An upscaler that asks a network, in tiles, until the picture is large enough.

    At most three times, as A1111 does; then Lanczos resampling to the exact size.
    """

    def __init__(self, network: ImageModelDescriptor[nn.Module], device: torch.device) -> None:
        self._network = network.to(device, fitting_dtype(network, device))
        self._tile = _TILE
        self._at_once = _TILES_AT_ONCE.get(device.type, 1)

    def __call__(self, picture: Picture, width: int, height: int) -> Picture:
        """Raises MemoryError where the smallest tile is too large, UserError for no finite one."""
        for _ in range(_MOST_ROUNDS if self._network.scale > 1 else 1):
            if picture.shape[0] >= height and picture.shape[1] >= width:
                break
            picture = self._enlarged(picture)
        return resampled(picture, width, height)

    def _enlarged(self, picture: Picture) -> Picture:
        pixels = torch.tensor(picture).permute(2, 0, 1) / 255
        result = self._in_memory(pixels)
        if not result.isfinite().all():
            self._network.to(torch.float32)
            result = self._in_memory(pixels)
        if not result.isfinite().all():
            raise UserError("the upscaler gave no finite numbers", "", "try another file")
        enlarged: Picture = (result * 255).round().byte().permute(1, 2, 0).numpy()
        return enlarged

    def _in_memory(self, pixels: Tensor) -> Tensor:
        """With fewer tiles at once, then smaller ones, as far as memory asks for it."""
        while True:
            try:
                with memory_errors():
                    return tiled(
                        self._asked, pixels, self._network.scale, self._tile, self._at_once
                    )
            except MemoryError:
                if self._at_once == 1 and self._tile <= _SMALLEST_TILE:
                    raise
            if self._at_once > 1:
                self._at_once //= 2
            else:
                self._tile //= 2

    def _asked(self, tiles: Tensor) -> Tensor:
        return self._network(tiles.to(self._network.device, self._network.dtype)).float().cpu()


def tiled(
    network: Callable[[Tensor], Tensor], picture: Tensor, scale: int, tile: int, at_once: int = 1
) -> Tensor:
    """The picture through the network, in tiles that fade into one another.

    picture: (3, height, width). tile: longest side of a tile. at_once: tiles in one batch. The
    result equals that of the whole picture for a network that looks no farther than a quarter of
    OVERLAP: so much of a tile's edge does not count, since the network lacked its neighbours.
    """
    _, height, width = picture.shape
    tall, wide = min(tile, height), min(tile, width)
    tiles = [Tile(top, left) for top in starts(height, tall) for left in starts(width, wide)]
    total = torch.zeros(3, height * scale, width * scale)
    weights = torch.zeros(height * scale, width * scale)
    for some in _batches(tiles, at_once):
        cut = [picture[:, top : top + tall, left : left + wide] for top, left in some]
        for (top, left), drawn in zip(some, network(torch.stack(cut)), strict=True):
            fade = _fade(top, tall, height)[:, None] * _fade(left, wide, width)
            fade = fade.repeat_interleave(scale, 0).repeat_interleave(scale, 1)
            rows = slice(top * scale, (top + tall) * scale)
            columns = slice(left * scale, (left + wide) * scale)
            total[:, rows, columns] += drawn * fade
            weights[rows, columns] += fade
    return total / weights


def starts(length: int, tile: int) -> list[int]:
    """Where tiles begin that cover `length` and overlap by OVERLAP or more, evenly."""
    if length <= tile:
        return [0]
    count = math.ceil((length - OVERLAP) / (tile - OVERLAP))
    return [round(index * (length - tile) / (count - 1)) for index in range(count)]


def _fade(start: int, tile: int, length: int) -> Tensor:
    """How much each pixel of a tile counts: 0 at its edges, 1 within; at the picture's edges 1."""
    rising = ((torch.arange(tile) + 0.5 - OVERLAP / 4) / (OVERLAP / 2)).clamp(0, 1)
    whole = torch.ones(tile)
    before = rising if start > 0 else whole
    after = rising.flip(0) if start + tile < length else whole
    return before * after


def _batches(tiles: list[Tile], size: int) -> Iterator[list[Tile]]:
    for start in range(0, len(tiles), size):
        yield tiles[start : start + size]


def fitting_dtype(network: ImageModelDescriptor[nn.Module], device: torch.device) -> torch.dtype:
    """Half precision where the network bears it, else bfloat16; full precision off CUDA."""
    if device.type != "cuda":
        return torch.float32
    if network.supports_half:
        return torch.float16
    with_bfloat16 = network.supports_bfloat16 and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if with_bfloat16 else torch.float32


def open_network(path: Path, device: torch.device) -> Network:
    """The upscaler in a file: safetensors, or a .pth of nothing but weights.

    Raises UserError for a file that is none.
    """
    import spandrel

    if path.suffix.lower() not in SUFFIXES:
        hint = "upscalers are loaded from .safetensors, and from .pth files of nothing but weights"
        raise UserError(f"`{path}` is not loaded as an upscaler", "", hint)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = spandrel.ModelLoader().load_from_file(path)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(f"cannot load `{path}` as an upscaler", reason) from error
    channels = (network.input_channels, network.output_channels)
    if not isinstance(network, spandrel.ImageModelDescriptor) or channels != (3, 3):
        kind = f"{network.architecture.name} for {network.purpose}, channels in and out: {channels}"
        raise UserError(f"`{path}` is no upscaler of coloured pictures", kind)
    return Network(network, device)
