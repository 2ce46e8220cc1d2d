"""The loaded model: one at a time, kept until a job asks for another."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import msgspec

from tagkit.cards import image_card
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.weights import Weights, find_weights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tagkit.rendering.job import Job
    from tagkit.rendering.pipeline import Pipeline
    from tagkit.settings import Settings


class Means(msgspec.Struct, frozen=True):
    """How to render: device and precision (`auto` or a name), batch size (0: automatic)."""

    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 0


AUTOMATIC = Means()


class Models:
    """Loads the model of a job; another than the last one takes its place."""

    def __init__(self, weights: dict[str, Weights], means: Means) -> None:
        self._weights = weights
        self._means = means
        self._name = ""
        self._loaded: Pipeline | None = None

    def open(self, job: Job) -> Pipeline:
        """The pipeline for this job. Raises UserError for a device or weights that are none."""
        if self._loaded is None or self._name != job.model:
            self._loaded = None
            gc.collect()
            self._loaded, self._name = self._load(job), job.model
        return self._loaded

    def _load(self, job: Job) -> Pipeline:
        from tagkit.rendering.components import load_components
        from tagkit.rendering.pipeline import Pipeline, find_device, find_dtype

        device = find_device(self._means.device)
        components = load_components(self._weights[job.model])
        dtype = find_dtype(self._means.dtype, device)
        return Pipeline(components, job.prediction, device, dtype, job.zero_snr)


def find_models(jobs: Iterable[Job], settings: Settings) -> dict[str, Weights]:
    """The weights of every model that the jobs name. Raises UserError for missing ones."""
    hashes = FileHashes()
    named = {job.model: job.checkpoint for job in jobs}
    return {
        name: find_weights(
            image_card(name, settings.cards), checkpoint, settings.checkpoints, hashes
        )
        for name, checkpoint in named.items()
    }
