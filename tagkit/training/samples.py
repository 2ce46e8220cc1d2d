"""Pictures that show how far training has come, drawn by tagkit's own pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tagkit.cards import Speed
from tagkit.errors import UserError
from tagkit.rendering.job import Job
from tagkit.rendering.pipeline import Pipeline
from tagkit.rendering.sampler_names import SAMPLER_TRAITS
from tagkit.rendering.saving import save_picture
from tagkit.training.networks import DTYPES, memory_format
from tagkit.typed_yaml import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tagkit.rendering.components import Components
    from tagkit.training.plan import Plan


def sample_jobs(plan: Plan, step: int) -> list[Job]:
    """The samples of a step. Raises UserError for a sampler that is not known."""
    said, side = plan.recipe.samples, plan.recipe.buckets.resolution
    if said.sampler not in SAMPLER_TRAITS:
        hint = nearest(said.sampler, list(SAMPLER_TRAITS), "samplers")
        place = plan.read.place("samples", "sampler")
        raise UserError(f"there is no sampler `{said.sampler}`", place, hint)
    trained = plan.source.trained
    return [
        Job(
            id=None,
            index=index,
            file=f"{step:08}-{index:02}.png",
            prompt=prompt,
            negative=said.negative,
            seed=said.seed,
            width=said.width or side,
            height=said.height or side,
            steps=said.steps,
            cfg=said.cfg,
            sampler=said.sampler,
            model=plan.read.name,
            prediction=trained.kind,
            zero_snr=trained.zero_snr,
        )
        for index, prompt in enumerate(said.prompts)
    ]


def draw_samples(
    plan: Plan,
    components: Components,
    step: int,
    device: torch.device,
    computing: AbstractContextManager[object],
    folder: Path,
) -> Iterator[Path]:
    """Draws and writes the samples of a step; their paths.

    Networks come back in the precision and on the device that they were in. computing: the
    precision of the arithmetic.
    """
    jobs = sample_jobs(plan, step)
    if not jobs:
        return
    before = [_Before(each) for each in components]
    speed = Speed(offload=False, channels_last=memory_format(plan.recipe) is torch.channels_last)
    trained = plan.source.trained
    try:
        with torch.random.fork_rng(), computing:
            pipeline = Pipeline(
                components, trained.kind, device, DTYPES[plan.recipe.precision.full],
                trained.zero_snr, speed,
            )  # fmt: skip
            for each in components:
                each.eval()
            for job in jobs:
                pipeline.wear(job)
                picture = pipeline.picture(pipeline.latents([job])[0])
                yield save_picture(picture, job, folder)
    finally:
        for each in before:
            each.restore()


class _Before:
    """How a network was, to the digit: precision and device of its weights may change meanwhile."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._device = network.device
        self._training = network.training
        self._weights = [(weight, weight.data) for weight in network.parameters()]

    def restore(self) -> None:
        """As it was."""
        self._network.to(self._device).train(self._training)
        for weight, data in self._weights:
            weight.data = data
