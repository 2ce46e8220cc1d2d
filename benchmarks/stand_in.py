"""Random weights of true size, to measure speed and memory where the true ones are not at hand.

    python benchmarks/stand_in.py FOLDER

writes FOLDER/sdxl, a diffusers folder of SDXL's networks (6.9 GB), and FOLDER/dat-x2.safetensors,
DAT as its authors train it for twice the size. What they draw is grain; they take as long for it
as trained ones. The shapes are those of `models/image/sdxl` and of DAT's options/Test/DAT_x2.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from spandrel.architectures.DAT import DAT

from tagkit.data import data_folder
from tagkit.training.networks import build_components

LAYERS = 6
DAT_X2 = {
    "img_size": 64, "split_size": [8, 32], "embed_dim": 180, "depth": [6] * LAYERS,
    "num_heads": [6] * LAYERS, "expansion_factor": 4.0, "upscale": 2, "resi_connection": "1conv",
}  # fmt: skip


def main() -> None:
    """Begins all networks as the libraries do, and saves them in half precision."""
    folder = Path(sys.argv[1])
    torch.manual_seed(1)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        components = build_components(data_folder("models") / "image" / "sdxl")
        upscaler = DAT(**DAT_X2)
    for name, network in components._asdict().items():
        network.half().save_pretrained(folder / "sdxl" / name, safe_serialization=True)
    state = {name: value.cpu().contiguous() for name, value in upscaler.state_dict().items()}
    save_file(state, folder / "dat-x2.safetensors")


if __name__ == "__main__":
    main()
