"""The loaded model: one at a time, kept until a job asks for another."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from tagkit.cards import Speed, image_card
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.weights import Weights, find_weights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tagkit.rendering.job import Job
    from tagkit.rendering.pipeline import Pipeline
    from tagkit.settings import Settings


# A card, and what the user named instead of its weights.
Named: TypeAlias = tuple[str, str]


class Means(msgspec.Struct, frozen=True):
    """How to render: device and precision (`auto` or a name), batch size (0: automatic).

    speed: what wins over the card's own switches.
    """

    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 0
    speed: Speed = Speed()


AUTOMATIC = Means()


class Models:
    """Loads the model of a job; another than the last one takes its place."""

    def __init__(self, weights: dict[Named, Weights], means: Means) -> None:
        self._weights = weights
        self._means = means
        self._name = ("", "")
        self._loaded: Pipeline | None = None

    def open(self, job: Job) -> Pipeline:
        """The pipeline for this job. Raises UserError for a device or weights that are none."""
        if self._loaded is None or self._name != _named(job):
            self._loaded = None
            gc.collect()
            self._loaded, self._name = self._load(job), _named(job)
        return self._loaded

    def _load(self, job: Job) -> Pipeline:
        from tagkit.rendering.components import load_components
        from tagkit.rendering.pipeline import Pipeline, find_device, find_dtype

        device = find_device(self._means.device)
        components = load_components(self._weights[_named(job)])
        dtype = find_dtype(self._means.dtype, device)
        return Pipeline(components, job.prediction, device, dtype, job.zero_snr)


def find_models(jobs: Iterable[Job], settings: Settings) -> dict[Named, Weights]:
    """The weights of every model that the jobs name. Raises UserError for missing ones."""
    hashes = FileHashes()
    return {
        (name, checkpoint): find_weights(
            image_card(name, settings.cards), checkpoint, settings.checkpoints, hashes
        )
        for name, checkpoint in dict.fromkeys(map(_named, jobs))
    }


def _named(job: Job) -> Named:
    return job.model, job.checkpoint
