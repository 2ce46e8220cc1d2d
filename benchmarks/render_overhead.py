"""What a picture costs beside its drawing: plan, manifest, recipe, file, gallery.

    python benchmarks/render_overhead.py [IMAGES ...]

`tagkit.render` with a stand-in for the model that hands out pictures already drawn (smooth colours
with grain, so that PNG has its usual work), at the size of `tiny` and at 832x1216; next to writing
the same pictures with Pillow alone. Milliseconds of processor time for each picture.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from tagkit.rendering import Means, loading, render

SIZES = ((128, 128), (832, 1216))
DIFFERENT = 16


class Drawn:
    """Stands for a loaded model whose pictures are there already."""

    most_pixels = 8 * 1024 * 1024

    def __init__(self, pictures: list[np.ndarray]) -> None:
        self._pictures = pictures

    def latents(self, jobs: list[object]) -> list[int]:
        """Which picture each job gets."""
        return [job.seed % len(self._pictures) for job in jobs]

    def picture(self, latent: int) -> np.ndarray:
        """It."""
        return self._pictures[latent]


def main() -> None:
    """Both sizes, with each number of pictures."""
    counts = [int(word) for word in sys.argv[1:]] or [200, 1000]
    tagkit([drawn(64, 64, 0)], 1)  # what is imported and read once
    for width, height in SIZES:
        pictures = [drawn(width, height, seed) for seed in range(DIFFERENT)]
        alone = pillow(pictures)
        print(f"{width}x{height}: Pillow writes a PNG in {alone:.1f} ms")
        for count in counts:
            whole = tagkit(pictures, count)
            print(f"  {count:5} pictures: {whole:.1f} ms each, {whole - alone:+.1f} ms beside it")


def drawn(width: int, height: int, seed: int) -> np.ndarray:
    """A picture as a model draws them: areas of colour, a little grain."""
    draw = np.random.default_rng(seed)
    areas = draw.integers(0, 256, (height // 32, width // 32, 3), np.uint8)
    smooth = Image.fromarray(areas).resize((width, height), Image.Resampling.BICUBIC)
    grain = draw.normal(0, 2, (height, width, 3))
    return (np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8)


def pillow(pictures: list[np.ndarray]) -> float:
    """Milliseconds of `Image.save` with its own settings."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        for place, picture in enumerate(pictures * 3):
            Image.fromarray(picture).save(Path(folder) / f"{place}.png")
        return (time.process_time() - began) * 1000 / len(pictures) / 3


def tagkit(pictures: list[np.ndarray], count: int) -> float:
    """Milliseconds a picture from the job file to the gallery."""
    height, width = pictures[0].shape[:2]
    loading.Models.open = lambda self, job: Drawn(pictures)
    entry = {"prompt": "1girl, blue hair", "count": count, "size": f"{width}x{height}"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jobs.json"
        file.write_bytes(msgspec.json.encode({"version": 1, "model": "tiny", "prompts": [entry]}))
        began = time.process_time()
        render(file, Path(folder) / "out", means=Means("cpu"))
        return (time.process_time() - began) * 1000 / count


if __name__ == "__main__":
    main()
