"""Train the tiny autoencoder: `python scripts/train_tiny_vae.py PICTURES [FOLDER]`.

PICTURES is a folder that `draw_busts.py` filled. The network is diffusers' AutoencoderTiny, taught
on crops: eight pixels a latent, four channels, whose mean and deviation are held at 0 and 1, so
that they need no scaling. Takes about half an hour of one core with AMX. At the end it prints how
well it draws pictures again that it has not seen.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderTiny
from draw_busts import drawn
from PIL import Image
from torch.nn.functional import avg_pool2d, l1_loss

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "models" / "tiny" / "image" / "vae"
SEED = 5
STEPS = 6000
BATCH = 16
CROP = 64
RATE = 1.5e-3
WIDTH = 64
# Latents are shaken a little, so that near ones give near pictures.
NOISE = 0.06
HELD_OUT = 60
SHAPE = {
    "encoder_block_out_channels": (WIDTH,) * 4, "decoder_block_out_channels": (WIDTH,) * 4,
    "num_encoder_blocks": (1, 1, 1, 2), "num_decoder_blocks": (2, 1, 1, 1),
}  # fmt: skip


def read_pictures(folder: Path) -> list[torch.Tensor]:
    """Each (3, height, width) in bytes."""
    return [_pixels(Image.open(file)) for file in sorted(folder.glob("*.png"))]


def _pixels(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1)


def crops(pictures: list[torch.Tensor], random: Random) -> torch.Tensor:
    """(BATCH, 3, CROP, CROP) from -1 to 1; half of them mirrored."""
    found = []
    for picture in random.choices(pictures, k=BATCH):
        top, left = (random.randrange(side - CROP + 1) for side in picture.shape[1:])
        crop = picture[:, top : top + CROP, left : left + CROP]
        found.append(crop.flip(2) if random.random() < 0.5 else crop)
    return torch.stack(found).float().div(127.5).sub(1).to(memory_format=torch.channels_last)


def difference(drawn: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Of pixels, of their gradients, and of the mean colours of blocks of eight."""
    gradients = sum(l1_loss(drawn.diff(dim=axis), wanted.diff(dim=axis)) for axis in (-1, -2))
    return l1_loss(drawn, wanted) + gradients + l1_loss(avg_pool2d(drawn, 8), avg_pool2d(wanted, 8))


def unrest(latents: torch.Tensor) -> torch.Tensor:
    """How far each channel is from mean 0 and deviation 1."""
    means, deviations = latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))
    return means.square().mean() + (deviations - 1).square().mean()


def train(network: AutoencoderTiny, pictures: list[torch.Tensor], random: Random) -> None:
    """Adam, the rate falling to nothing as a cosine does."""
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS, pct_start=0.03)
    for step in range(1, STEPS + 1):
        wanted = crops(pictures, random)
        with torch.autocast("cpu", torch.bfloat16):
            latents = network.encoder(wanted).float()
            shaken = latents + torch.randn_like(latents) * NOISE
            pictured = network.decoder(shaken).float()
        loss = difference(pictured, wanted) + 0.05 * unrest(latents)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            error = l1_loss(pictured, wanted).item()
            print(f"step {step}: loss {loss.item():.4f}, error {error:.4f}", flush=True)


def compare(network: AutoencoderTiny) -> None:
    """Mean absolute error, on the range of 2, over pictures of another seed."""
    errors, latents = [], []
    for number in range(HELD_OUT):
        wanted = _pixels(drawn(number, SEED + 1_000)[0].image)[None].float() / 127.5 - 1
        with torch.inference_mode():
            latents.append(network.encode(wanted).latents.flatten(2))
            errors.append(l1_loss(network(wanted).sample, wanted).item())
    spread = torch.cat(latents, dim=2)
    means = [f"{value:.2f}" for value in spread.mean(dim=(0, 2)).tolist()]
    deviations = [f"{value:.2f}" for value in spread.std(dim=(0, 2)).tolist()]
    print(f"error {np.mean(errors):.4f}; latents: means {means}, deviations {deviations}")


def main() -> None:
    """Trains, compares, saves in half precision."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    network = AutoencoderTiny(**SHAPE).to(memory_format=torch.channels_last)
    print(f"{sum(each.numel() for each in network.parameters())} weights")
    train(network, read_pictures(Path(sys.argv[1])), Random(SEED))
    network.eval().half().float()
    compare(network)
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER
    network.half().save_pretrained(folder, safe_serialization=True)


if __name__ == "__main__":
    main()
