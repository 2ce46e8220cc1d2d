"""What passes need beside the model: upscalers, detectors, pictures that first passes have left."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tagkit.data import write_atomically
from tagkit.errors import UserError
from tagkit.extras import need
from tagkit.rendering.manifest_file import FOLDER
from tagkit.rendering.resamplers import RESAMPLERS, Resampler
from tagkit.rendering.upscaling import open_network, resampler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import torch

    from tagkit.rendering.detecting import Detector
    from tagkit.rendering.job import DetailerPass, HiresPass, Job
    from tagkit.rendering.upscaling import Picture, Upscaler

_BASES = "bases"
_LOADED_AT_ONCE = 2


class Tools:
    """The tools of one output folder.

    files: where files lie, by their SHA-256. picture_of: the finished picture of the job with an
    id, None if it has none.
    """

    def __init__(
        self,
        output: Path,
        files: Mapping[str, Path],
        device: torch.device,
        picture_of: Callable[[str], Path | None],
    ) -> None:
        self._bases = output / FOLDER / _BASES
        self._files = files
        self._device = device
        self._picture_of = picture_of
        self._network = lru_cache(_LOADED_AT_ONCE)(open_network)
        self._detector = lru_cache(_LOADED_AT_ONCE)(_open_detector)

    def prepare(self, jobs: Iterable[Job]) -> None:
        """Opens what the jobs need once: a file that is none is named before the first picture.

        Raises UserError.
        """
        for job in jobs:
            if job.hires:
                self.upscaler(job.hires)
            for each in job.detailer:
                self.detector(each)

    def upscaler(self, hires: HiresPass) -> Resampler | Upscaler:
        """What enlarges for this pass; a Resampler works on latents. Raises UserError."""
        named = RESAMPLERS.get(hires.upscaler)
        if named is None:
            return self._network(self._files[hires.digest or ""], self._device)
        return named if named.latent else resampler(named.mode)

    def detector(self, settings: DetailerPass) -> Detector:
        """What finds for this pass. Raises UserError."""
        return self._detector(self._files[settings.digest or ""])

    def keep(self, job: Job, picture: Picture) -> None:
        """Stores the picture of the first pass, unless the finished one will be the same."""
        if not (job.hires or job.detailer or job.format != "png"):
            return
        content = BytesIO()
        Image.fromarray(picture).save(content, "PNG")
        write_atomically(self._bases / f"{job.id}.png", content.getvalue())

    def base(self, job: Job) -> Picture:
        """The stored picture that takes the place of the job's first pass. Raises UserError."""
        kept = self._bases / f"{job.base}.png"
        path = kept if kept.is_file() else self._picture_of(job.base)
        if path is None or not path.is_file():
            hint = "render the job that drew it again"
            raise UserError(f"the picture to go on from is not there: job {job.base}", "", hint)
        with Image.open(path) as image:
            picture = np.asarray(image.convert("RGB"))
        if picture.shape != (job.height, job.width, 3):
            size = f"{job.width}x{job.height}"
            raise UserError(f"`{path}` is not the picture to go on from", f"it is not {size}")
        return picture


def _open_detector(path: Path) -> Detector:
    """Imported when it is needed: pictures without detailer need no onnxruntime."""
    need("render", "onnxruntime")
    from tagkit.rendering.detecting import Detector

    return Detector(path)
