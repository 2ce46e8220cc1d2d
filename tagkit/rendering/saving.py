"""Pictures to PNG files that carry their recipe as A1111 writes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, PngImagePlugin

from tagkit._version import __version__
from tagkit.infotext import Infotext
from tagkit.rendering.sampler_names import sampler_label, scheduler_label

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tagkit.rendering.job import Job

_NOISES = {"cpu": "CPU", "nv": "NV"}
_COMPRESSION = 4


def save_picture(picture: npt.NDArray[np.uint8], job: Job, output: Path) -> Path:
    """Writes the picture (height, width, 3) to the job's file in `output`; the path of it.

    It is there as a whole or not at all: written beside its place, flushed to disk, renamed.
    """
    path = output / job.file
    path.parent.mkdir(parents=True, exist_ok=True)
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", str(infotext(job)))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            image = Image.fromarray(picture)
            image.save(file, "PNG", pnginfo=chunks, compress_level=_COMPRESSION)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def infotext(job: Job) -> Infotext:
    """The job in A1111's words, in A1111's order of keys."""
    settings = {
        "Steps": str(job.steps),
        "Sampler": sampler_label(job.sampler),
        "Schedule type": scheduler_label(job.sampler, job.scheduler),
        "CFG scale": _number(job.cfg),
        "Seed": str(job.seed),
        "Size": f"{job.width}x{job.height}",
        "Model hash": (job.weights or "")[:10],
        "Model": Path(job.checkpoint).stem if job.checkpoint else job.model,
        "RNG": _NOISES[job.rng],
        "Version": f"tagkit {__version__}",
    }
    return Infotext(job.prompt, job.negative or None, settings)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else str(value)
