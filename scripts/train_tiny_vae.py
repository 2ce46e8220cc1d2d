"""Train the tiny autoencoder: `python scripts/train_tiny_vae.py PICTURES [FOLDER]`.

PICTURES is a folder that `draw_busts.py` filled. The network is diffusers' AutoencoderTiny, taught
on crops: eight pixels a latent, four channels, whose mean and deviation are held at 0 and 1, so
that they need no scaling. Takes some minutes of a GPU; on a CPU give it fewer steps. At the end it
prints how well it draws pictures again that it has not seen.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from math import cos, pi
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import AutoencoderTiny
from draw_busts import drawn
from PIL import Image
from torch.nn.functional import avg_pool2d, l1_loss

from tagkit.training.ahead import ahead

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "models" / "tiny" / "image" / "vae"
SEED = 5
STEPS = 20_000
WARM_UP = 500
BATCH = 128
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


def read_pictures(folder: Path, device: torch.device) -> list[torch.Tensor]:
    """Those of each size together: (n, 3, height, width) in bytes."""
    sizes: dict[torch.Size, list[torch.Tensor]] = defaultdict(list)
    for pixels in ahead(lambda file: _pixels(Image.open(file)), sorted(folder.glob("*.png"))):
        sizes[pixels.shape].append(pixels)
    return [torch.stack(each).to(device) for each in sizes.values()]


def _pixels(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1)


def crops(pictures: list[torch.Tensor], random: Random) -> torch.Tensor:
    """(BATCH, 3, CROP, CROP) from -1 to 1, of pictures of one size; half of them mirrored."""
    [same] = random.choices(pictures, [len(each) for each in pictures])
    count, _, height, width = same.shape
    along = torch.arange(CROP)
    tops = torch.tensor(random.choices(range(height - CROP + 1), k=BATCH))[:, None]
    lefts = torch.tensor(random.choices(range(width - CROP + 1), k=BATCH))[:, None]
    mirrored = torch.tensor(random.choices([True, False], k=BATCH))[:, None]
    rows = (tops + along)[:, None, :, None]
    columns = (lefts + torch.where(mirrored, CROP - 1 - along, along))[:, None, None, :]
    number = torch.tensor(random.choices(range(count), k=BATCH))[:, None, None, None]
    place = number, torch.arange(3)[None, :, None, None], rows, columns
    found = same[tuple(each.to(same.device) for each in place)]
    return found.float().div(127.5).sub(1).contiguous(memory_format=torch.channels_last)


def difference(drawn: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Of pixels, of their gradients, and of the mean colours of blocks of eight."""
    gradients = sum(l1_loss(drawn.diff(dim=axis), wanted.diff(dim=axis)) for axis in (-1, -2))
    return l1_loss(drawn, wanted) + gradients + l1_loss(avg_pool2d(drawn, 8), avg_pool2d(wanted, 8))


def unrest(latents: torch.Tensor) -> torch.Tensor:
    """How far each channel is from mean 0 and deviation 1."""
    means, deviations = latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))
    return means.square().mean() + (deviations - 1).square().mean()


def learning(
    network: AutoencoderTiny, rate: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    """A step of the optimiser on crops, at the rate that stands in `rate`; gives the error."""
    optimizer = torch.optim.AdamW(
        network.parameters(), rate, weight_decay=1e-3, fused=True, capturable=rate.is_cuda
    )

    def learn(wanted: torch.Tensor) -> torch.Tensor:
        # What autocast keeps would be kept beyond a recorded step.
        with torch.autocast(wanted.device.type, torch.bfloat16, cache_enabled=False):
            latents = network.encoder(wanted).float()
            shaken = latents + torch.randn_like(latents) * NOISE
            pictured = network.decoder(shaken).float()
        loss = difference(pictured, wanted) + 0.05 * unrest(latents)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        return l1_loss(pictured, wanted).detach()

    return learn


def recorded(
    learn: Callable[[torch.Tensor], torch.Tensor], first: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same as a CUDA graph, since its many small kernels take longer to start than to run."""
    wanted, side = first.clone(), torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            learn(wanted)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        error = learn(wanted)

    def replay(crops: torch.Tensor) -> torch.Tensor:
        wanted.copy_(crops)
        graph.replay()
        return error

    return replay


def train(
    network: AutoencoderTiny, pictures: list[torch.Tensor], steps: int, random: Random
) -> None:
    """AdamW, the rate rising for a while, then falling to nothing as a cosine does."""
    device = pictures[0].device
    rate = torch.zeros((), device=device)
    learn = learning(network, rate)
    if device.type == "cuda":
        learn = recorded(learn, crops(pictures, random))
    for step in range(1, steps + 1):
        falling = (1 + cos(pi * step / steps)) / 2
        rate.fill_(RATE * min(step / WARM_UP, 1) * falling)
        error = learn(crops(pictures, random))
        if step % 500 == 0:
            print(f"step {step} of {steps}: error {error.item():.4f}", flush=True)


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--steps", type=int, default=STEPS)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_flush_denormal(True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = AutoencoderTiny(**SHAPE).to(device, memory_format=torch.channels_last)
    print(f"{sum(each.numel() for each in network.parameters())} weights")
    train(network, read_pictures(options.pictures, device), options.steps, Random(SEED))
    network.eval().half().float().cpu()
    compare(network)
    network.half().save_pretrained(options.folder, safe_serialization=True)


if __name__ == "__main__":
    main()
