"""Train the tiny upscaler that tagkit carries: `python scripts/train_upscaler.py [FILE]`.

The network is DAT ("Dual Aggregation Transformer for Image Super-Resolution", ICCV 2023) at toy
size; its pictures are drawn by `bust_drawing.py` and made small as DAT's own were, by bicubic
resampling, every other one then seen through the tiny VAE. Takes about twenty minutes of one core,
and gives the same weights every time on the same machine and version of torch. At the end it prints
how it compares with Lanczos resampling on pictures that it has not seen.
"""

from __future__ import annotations

import sys
import warnings
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import torch
from bust_drawing import draw_bust
from bust_world import any_bust
from diffusers import AutoencoderTiny
from PIL import Image
from safetensors.torch import save_file
from spandrel.architectures.DAT import DAT
from torch.nn.functional import l1_loss

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

ROOT = Path(__file__).parent.parent
FILE = ROOT / "models" / "upscaler" / "tiny-dat-x2.safetensors"
SEED = 11
STEPS = 2000
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


def drawn(random: Random) -> Image.Image:
    """A square picture, sharp."""
    bust = any_bust(random)._replace(poor=False)
    return draw_bust(bust, (SIDE, SIDE), random).image


def crops(random: Random, vae: AutoencoderTiny) -> Iterator[tuple[Image.Image, Image.Image]]:
    """Squares of drawn pictures, without end: small and as they should become.

    Every other picture is small as the VAE shows it, so that rendered ones get their lines back.
    """
    for number in count():
        picture = drawn(random)
        small = halved(picture)
        if number % 2:
            small = redrawn(vae, small)
        for _ in range(8):
            left, top = (random.randrange((SIDE - CROP) // 2 + 1) for _ in range(2))
            box = (left, top, left + CROP // 2, top + CROP // 2)
            yield small.crop(box), picture.crop([side * 2 for side in box])


def redrawn(vae: AutoencoderTiny, picture: Image.Image) -> Image.Image:
    """As the VAE shows it."""
    with torch.inference_mode():
        seen = vae(pixels([picture]) * 2 - 1).sample.clamp(-1, 1)[0]
    return Image.fromarray(((seen + 1) * 127.5).byte().permute(1, 2, 0).numpy())


def halved(picture: Image.Image) -> Image.Image:
    """The picture at half its size."""
    return picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BICUBIC)


def pixels(pictures: Sequence[Image.Image]) -> Tensor:
    """(pictures, 3, height, width), from 0 to 1."""
    stacked = np.stack([np.asarray(picture) for picture in pictures])
    return torch.from_numpy(stacked).permute(0, 3, 1, 2) / 255


def train(network: DAT, vae: AutoencoderTiny, random: Random) -> None:
    """Adam under a cosine; mean absolute error."""
    optimizer = torch.optim.Adam(network.parameters(), RATE, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=0.05)
    source = crops(random, vae)
    for step in range(STEPS):
        network.train(step < SETTLED)
        small, wanted = zip(*islice(source, BATCH), strict=True)
        loss = l1_loss(network(pixels(small)), pixels(wanted))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        if step % 200 == 199:
            print(f"step {step + 1}: {loss.item():.4f}", flush=True)


def compare(network: DAT, random: Random, vae: AutoencoderTiny | None) -> None:
    """Mean PSNR in decibels, and mean gradient as a share of the true picture's."""
    ratios: dict[str, list[tuple[float, float]]] = {"network": [], "lanczos": []}
    for _ in range(HELD_OUT):
        picture = drawn(random)
        small, wanted = halved(picture), pixels([picture])
        if vae:
            small = redrawn(vae, small)
        with torch.inference_mode():
            enlarged = network.eval()(pixels([small])).clamp(0, 1)
        resampled = pixels([small.resize(picture.size, Image.Resampling.LANCZOS)])
        for name, found in (("network", enlarged), ("lanczos", resampled)):
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
    vae = AutoencoderTiny.from_pretrained(ROOT / "models" / "tiny" / "image" / "vae").float()
    train(network, vae, Random(SEED))
    network.half().float()
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    save_file(state, file)
    print(f"{file}: {file.stat().st_size} bytes")
    for title, shown_by in (("drawings", None), ("drawings as the VAE shows them", vae)):
        print(title)
        compare(network, Random(SEED + 1), shown_by)


if __name__ == "__main__":
    main()
