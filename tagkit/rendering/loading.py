"""The loaded model: one at a time, kept until a job asks for another."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from tagkit.cards import Speed, image_card
from tagkit.rendering.blocks import laid_over
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.headers import read_header
from tagkit.rendering.recognising import require_checkpoint
from tagkit.rendering.weights import Weights, find_weights, weights_files
from tagkit.settings import folders_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tagkit.rendering.job import Job
    from tagkit.rendering.pipeline import Pipeline
    from tagkit.settings import Settings


# A card, and what the user named instead of its weights.
Named: TypeAlias = tuple[str, str]


class Model(NamedTuple):
    """What to load, and how its card says to compute."""

    weights: Weights
    speed: Speed


class Means(msgspec.Struct, frozen=True):
    """How to render: device and precision (`auto` or a name), batch size (0: automatic).

    speed: wins over the card's own switches, and `dtype` over its.
    """

    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 0
    speed: Speed = Speed()


AUTOMATIC = Means()


class Models:
    """Loads the model of a job; another than the last one takes its place.

    files: where LoRAs, embeddings and VAEs lie, by their SHA-256.
    """

    def __init__(
        self, models: Mapping[Named, Model], means: Means, files: Mapping[str, Path]
    ) -> None:
        self._models = models
        self._files = files
        self._means = means
        self._name = ("", "")
        self._loaded: Pipeline | None = None

    def open(self, job: Job) -> Pipeline:
        """The pipeline for this job, with its LoRAs and VAE.

        Raises UserError for a device or weights that are none, and for files that do not fit.
        """
        if self._loaded is None or self._name != named(job):
            self._loaded = None
            gc.collect()
            self._loaded, self._name = self._load(job), named(job)
        self._loaded.wear(job)
        return self._loaded

    def _load(self, job: Job) -> Pipeline:
        from tagkit.rendering.components import load_components
        from tagkit.rendering.pipeline import Pipeline, find_device, find_dtype

        model = self._models[named(job)]
        device = find_device(self._means.device)
        speed = laid_over(model.speed, self._means.speed)
        stated = speed.dtype if self._means.dtype == "auto" else self._means.dtype
        dtype = find_dtype(stated or "auto", device)
        components = load_components(model.weights)
        return Pipeline(components, job.prediction, device, dtype, job.zero_snr, speed, self._files)


def find_models(jobs: Iterable[Job], settings: Settings) -> dict[Named, Model]:
    """The weights of every model that the jobs name.

    Raises UserError for weights that are missing, cut short, or of another family.
    """
    hashes = FileHashes()
    found = {}
    for name, checkpoint in dict.fromkeys(map(named, jobs)):
        card = image_card(name, settings.cards)
        folders = folders_of(settings, "checkpoints")
        weights = find_weights(card, checkpoint, folders, hashes)
        if weights.kind == "file":
            require_checkpoint(weights.path)
        for file in weights_files(weights):
            read_header(file)
        found[name, checkpoint] = Model(weights, card.speed)
    return found


def named(job: Job) -> Named:
    """What the job is rendered with."""
    return job.model, job.checkpoint
