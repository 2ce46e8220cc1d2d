"""A hundred changes of LoRA on the tiny model in half precision, next to diffusers and peft.

    python benchmarks/lora_switches.py [CHANGES]

Two files that change every attention of the UNet take turns. Both programs do it in turn; for each:
milliseconds a change, how far the weights are from the first ones after the last is taken off, and
how the process has grown from the tenth change to the last (each in a process of its own).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import diffusers
import torch
from safetensors.torch import save_file

from tagkit.cards import image_card
from tagkit.rendering.components import load_components
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.job import Lora
from tagkit.rendering.wardrobe import Wardrobe
from tagkit.rendering.weights import find_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from tagkit.rendering.components import Components

RANK = 8
SETTLED = 10  # changes after which memory is looked at first


def main() -> None:
    """Runs both programs, each in a process of its own."""
    changes = sys.argv[1] if len(sys.argv) > 1 else "100"
    for program in PROGRAMS:
        subprocess.run([sys.executable, __file__, changes, program], check=True)


def measured(program: str, changes: int) -> None:
    """Prints one program's figures."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    model = load_components(find_weights(image_card("tiny"), "", (), FileHashes()))
    model.unet.half()
    before = {name: weight.clone() for name, weight in model.unet.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        files = [written(Path(folder), model, seed) for seed in range(2)]
        change, bare = PROGRAMS[program](model, files)
        times, sizes = [], []
        for turn in range(changes):
            began = time.perf_counter()
            change(turn % 2)
            times.append(time.perf_counter() - began)
            sizes.append(resident())
        bare()
    after = model.unet.state_dict()
    drift = max(float((after[name] - each).abs().max()) for name, each in before.items())
    grown = (sizes[-1] - sizes[min(SETTLED, len(sizes)) - 1]) / 1024
    middle = statistics.median(times) * 1000
    print(f"{program:10} {middle:7.1f} ms a change   off by {drift:.2g}   grown by {grown:.2f} MiB")


def written(folder: Path, model: Components, seed: int) -> Path:
    """A LoRA of every attention of the UNet, in peft's names."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, module in model.unet.named_modules():
        if name.endswith(("to_q", "to_k", "to_v", "to_out.0")):
            out, of = module.weight.shape
            tensors[f"unet.{name}.lora_A.weight"] = torch.randn(RANK, of, generator=generator)
            tensors[f"unet.{name}.lora_B.weight"] = torch.randn(out, RANK, generator=generator)
    path = folder / f"{seed}.safetensors"
    save_file({name: (each / 10).half() for name, each in tensors.items()}, path)
    return path


def with_tagkit(
    model: Components, files: list[Path]
) -> tuple[Callable[[int], None], Callable[[], None]]:
    """Put on one file, and take all off."""
    wardrobe = Wardrobe(model, {file.stem: file for file in files})
    return (
        lambda file: wardrobe.wear([Lora("a", digest=files[file].stem)]),
        lambda: wardrobe.wear([]),
    )


def with_diffusers(
    model: Components, files: list[Path]
) -> tuple[Callable[[int], None], Callable[[], None]]:
    """The same by fusing and unfusing."""
    pipeline = diffusers.StableDiffusionXLPipeline(
        model.vae, model.text_encoder, model.text_encoder_2, None, None, model.unet,
        diffusers.EulerDiscreteScheduler(), add_watermarker=False,
    )  # fmt: skip
    worn = []

    def bare() -> None:
        if worn:
            pipeline.unfuse_lora()
            pipeline.unload_lora_weights()
            worn.clear()

    def change(file: int) -> None:
        bare()
        pipeline.load_lora_weights(str(files[file]))
        pipeline.fuse_lora()
        worn.append(file)

    return change, bare


def resident() -> int:
    """Memory of this process in KiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4


PROGRAMS = {"tagkit": with_tagkit, "diffusers": with_diffusers}

if __name__ == "__main__":
    if len(sys.argv) > 2:
        measured(sys.argv[2], int(sys.argv[1]))
    else:
        main()
