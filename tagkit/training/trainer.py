"""A training as it goes: networks opened, caches filled, steps made, files written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tagkit.errors import UserError
from tagkit.rendering.pipeline import find_device
from tagkit.training.checkpoints import Checkpoints, read_checkpoint
from tagkit.training.events import Prepared, Saved, Stepped, Warned
from tagkit.training.logs import Log
from tagkit.training.loop import Loop, Stopped, make_accelerator
from tagkit.training.metadata import metadata, public_recipe
from tagkit.training.networks import make_ready, open_components
from tagkit.training.recipe import differences
from tagkit.training.samples import draw_samples, sample_jobs
from tagkit.training.saving import save_models
from tagkit.training.seeing import Latents, Texts, reads_each_step
from tagkit.training.single_file import require_single_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tagkit.training.plan import Plan
    from tagkit.training.seeing import Told
    from tagkit.training.session import Surroundings

_SECONDS = 60
# What may change between two runs without anything else being trained.
_FREE = ("max_steps", "epochs", "save", "samples", "about", "lint", "extends", "model")


class Trainer:
    """Trains one plan into one folder."""

    def __init__(self, plan: Plan, output: Path, device: str, surroundings: Surroundings) -> None:
        self._plan = plan
        self._recipe = plan.recipe
        self._output = output
        self._around = surroundings
        self._checkpoints = Checkpoints(output / "checkpoints", plan.recipe.save.keep)
        self._log = Log(output / "training.csv")
        self._accelerator = make_accelerator(plan.recipe, find_device(device))
        self._is_main = bool(self._accelerator.is_main_process)

    def begin(self, *, resume: bool) -> int:
        """Opens and prepares everything; the number of steps that are done already."""
        sample_jobs(self._plan, 0)
        latest = self._checkpoints.latest()
        if latest and not resume:
            what = f"`{self._output}` holds a training up to step {int(latest.name)}"
            raise UserError(what, "", "-o another folder, or --resume auto to go on with it")
        checkpoint = read_checkpoint(latest) if latest else None
        if checkpoint:
            self._compare(checkpoint.state.recipe)
        torch.manual_seed(self._recipe.seed)
        self._components = open_components(self._plan.source)
        if self._recipe.save.single_file and not self._recipe.lora:
            require_single_file(self._components)
        self._loop = self._make_loop()
        if checkpoint:
            self._loop.restore(checkpoint)
        self._log.keep_until(self._loop.step)
        self._saved = self._loop.step
        self._saved_at = self._around.clock()
        return self._loop.step

    def _compare(self, before: Mapping[str, Any]) -> None:
        now = public_recipe(self._recipe)
        for each in differences(_deciding(before), _deciding(now)):
            text = f"the recipe has changed since the checkpoint: {each}"
            self._around.watch(Warned(text))

    def _make_loop(self) -> Loop:
        """Each network is on the device only while it is needed there."""
        components, device = self._components, self._accelerator.device
        latents = Latents(self._plan, components.vae, self._output / "cache")
        texts = Texts(self._plan, self._output / "cache")
        with self._accelerator.main_process_first():
            latents.fill(components.vae, device, self._told("latents"))
            reads = reads_each_step(self._recipe)
            model = make_ready(components, self._recipe, device, reads=reads)
            if not reads:
                texts.fill(components, device, self._told("texts"))
        return Loop(self._plan, model, self._accelerator, latents, texts, self._around.stopping)

    def _told(self, what: str) -> Told:
        return lambda done, of: self._around.watch(Prepared(what, done, of))

    def go_on(self) -> tuple[float | None, list[Path]]:
        """All steps that are left, then the finished files; the last loss and the files."""
        loss = None
        loop, steps = self._loop, self._plan.steps
        try:
            while loop.step < steps:
                loss = self._step()
                if loop.step < steps:
                    self._keep_if_due()
                    self._draw_if_due()
        except Stopped:
            self._keep()
            raise KeyboardInterrupt from None
        self._keep()
        self._draw()
        return loss, self._finish(self._plan.read.name)

    def _step(self) -> float:
        started = self._around.clock()
        try:
            loss, share = self._loop.advance()
        except MemoryError as error:
            what = f"memory does not hold a batch of {self._recipe.batch_size}"
            hint = (
                "a smaller batch_size with more gradient_accumulation, gradient_checkpointing: "
                "true, an 8-bit optimizer, or a lora"
            )
            raise UserError(what, "", hint) from error
        seconds = self._around.clock() - started
        rate = share * self._recipe.learning_rate
        stepped = Stepped(self._loop.step, self._loop.epoch, loss, rate, seconds)
        if self._is_main:
            self._log.add(stepped)
            self._around.watch(stepped)
        return loss

    def _keep_if_due(self) -> None:
        save, step = self._recipe.save, self._loop.step
        minutes = (self._around.clock() - self._saved_at) / _SECONDS
        by_steps = save.every_steps and step % save.every_steps == 0
        if by_steps or (save.every_minutes and minutes >= save.every_minutes):
            self._keep()
            if save.models == "each":
                self._finish(f"{self._plan.read.name}-{step:08}")

    def _keep(self) -> None:
        """Writes a checkpoint of the step, unless it is there; one process alone does so."""
        step = self._loop.step
        if self._is_main and (step > self._saved or step == 0):
            path = self._checkpoints.save(*self._loop.state())
            self._around.watch(Saved("checkpoint", path))
        self._saved, self._saved_at = step, self._around.clock()

    def _draw_if_due(self) -> None:
        every = self._recipe.samples.every_steps
        if every and self._loop.step % every == 0:
            self._draw()

    def _draw(self) -> None:
        if not self._is_main:
            return
        try:
            with self._loop.averaged.in_place():
                for path in self._drawn():
                    self._around.watch(Saved("sample", path))
        except MemoryError:
            self._around.watch(Warned("memory does not hold a sample; none is drawn"))

    def _drawn(self) -> Iterator[Path]:
        return draw_samples(
            self._plan,
            self._components,
            self._loop.step,
            self._accelerator.device,
            self._accelerator.autocast(),
            self._output / "samples",
        )

    def _finish(self, name: str) -> list[Path]:
        """Writes the trained files under a name."""
        if not self._is_main:
            return []
        plan, trained = self._plan, self._plan.source.trained
        said = metadata(
            self._recipe, name, plan.pictures, self._loop.step, trained.kind, self._around.now()
        )
        files = []
        with self._loop.averaged.in_place():
            for path in save_models(
                self._recipe, plan.source, self._loop.model, self._components, self._output, name,
                said,
            ):  # fmt: skip
                files.append(path)
                self._around.watch(Saved("model", path))
        return files


def _deciding(recipe: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in recipe.items() if key not in _FREE}
