"""Train the tiny upscaler that tagkit carries: `python scripts/train_upscaler.py [FILE]`.

The network is DAT ("Dual Aggregation Transformer for Image Super-Resolution", ICCV 2023) at toy
size; its pictures are drawn by `flat_pictures.py` and made small as DAT's own were, by bicubic
resampling. Takes about twenty minutes of one core, and gives the same weights every time on the
same machine and version of torch. At the end it prints how it compares with Lanczos resampling on
pictures that it has not seen.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import torch
from flat_pictures import draw_flat_picture
from PIL import Image
from safetensors.torch import save_file
from spandrel.architectures.DAT import DAT
from torch.nn.functional import l1_loss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

ROOT = Path(__file__).parent.parent
FILE = ROOT / "models" / "upscaler" / "tiny-dat-x2.safetensors"
SEED = 11
STEPS = 3000
BATCH = 8
CROP = 64
SIDE = 256
RATE = 2e-3
# From here on batch norms use the statistics that they will have in use.
SETTLED = STEPS * 3 // 4
HELD_OUT = 20
SHAPE = {
    "img_size": 16, "split_size": [4, 8], "embed_dim": 48, "depth": [4], "num_heads": [4],
    "expansion_factor": 2.0, "upscale": 2, "upsampler": "pixelshuffledirect", "drop_path_rate": 0.0,
}  # fmt: skip


def crops(random: Random) -> Iterator[Image.Image]:
    """Squares of drawn pictures, without end."""
    while True:
        picture = draw_flat_picture(random, SIDE)
        for _ in range(8):
            left, top = (random.randrange(SIDE - CROP + 1) for _ in range(2))
            yield picture.crop((left, top, left + CROP, top + CROP))


def halved(picture: Image.Image) -> Image.Image:
    """The picture at half its size."""
    return picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BICUBIC)


def pixels(pictures: list[Image.Image]) -> Tensor:
    """(pictures, 3, height, width), from 0 to 1."""
    stacked = np.stack([np.asarray(picture) for picture in pictures])
    return torch.from_numpy(stacked).permute(0, 3, 1, 2) / 255


def train(network: DAT, random: Random) -> None:
    """Adam under a cosine; mean absolute error."""
    optimizer = torch.optim.Adam(network.parameters(), RATE, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=0.05)
    source = crops(random)
    for step in range(STEPS):
        network.train(step < SETTLED)
        wanted = [next(source) for _ in range(BATCH)]
        loss = l1_loss(network(pixels([halved(crop) for crop in wanted])), pixels(wanted))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        if step % 200 == 199:
            print(f"step {step + 1}: {loss.item():.4f}", flush=True)


def compare(network: DAT, random: Random) -> None:
    """Mean PSNR in decibels, and mean gradient as a share of the true picture's."""
    ratios: dict[str, list[tuple[float, float]]] = {"network": [], "lanczos": []}
    for _ in range(HELD_OUT):
        picture = draw_flat_picture(random, SIDE)
        small, wanted = halved(picture), pixels([picture])
        with torch.inference_mode():
            drawn = network.eval()(pixels([small])).clamp(0, 1)
        resampled = pixels([small.resize(picture.size, Image.Resampling.LANCZOS)])
        for name, found in (("network", drawn), ("lanczos", resampled)):
            psnr = -10 * (found - wanted).square().mean().log10().item()
            ratios[name].append((psnr, (_gradient(found) / _gradient(wanted)).item()))
    for name, pairs in ratios.items():
        psnr, sharpness = np.mean(pairs, axis=0)
        print(f"{name}: {psnr:.2f} dB, gradient {sharpness:.3f} of the true picture's")


def _gradient(picture: Tensor) -> Tensor:
    return picture.diff(dim=-1).abs().mean() + picture.diff(dim=-2).abs().mean()


def main() -> None:
    """Trains, saves in half precision, compares what was saved."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    warnings.simplefilter("ignore")
    network = DAT(**SHAPE)
    print(f"{sum(each.numel() for each in network.parameters())} weights")
    train(network, Random(SEED))
    network.half().float()
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    save_file(state, file)
    print(f"{file}: {file.stat().st_size} bytes")
    compare(network, Random(SEED + 1))


if __name__ == "__main__":
    main()
