"""The loop: step after step, each a function of the weights, the recipe and the step's number."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs
from torch.nn.attention import SDPBackend, sdpa_kernel

from tagkit.errors import UserError
from tagkit.rendering.memory import memory_errors
from tagkit.training.averaging import Averaged
from tagkit.training.checkpoints import (
    Checkpoint,
    State,
    optimizer_tensors,
    restore_optimizer,
)
from tagkit.training.losses import levels_at, loss_of, min_snr_weights, noised, wanted
from tagkit.training.metadata import public_recipe
from tagkit.training.networks import DTYPES, memory_format, trained_weights
from tagkit.training.optimizers import make_optimizer, set_rates
from tagkit.training.rates import share_of_rate
from tagkit.training.seeing import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from torch import Tensor

    from tagkit.training.batches import Batch
    from tagkit.training.networks import Denoised
    from tagkit.training.plan import Plan
    from tagkit.training.recipe import Recipe
    from tagkit.training.seeing import Latents, Texts

_TIMES = 1000
_MIXED = {"fp32": "no", "fp16": "fp16", "bf16": "bf16"}


class Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """Somebody asked to stop; the step at hand was not made."""


def make_accelerator(recipe: Recipe, device: torch.device) -> Accelerator:
    """accelerate's view of the machine. Raises UserError for a precision that the device lacks."""
    # One process may train twice, each time in another precision.
    AcceleratorState._reset_state()
    unused = DistributedDataParallelKwargs(find_unused_parameters=recipe.trained != "unet")
    if recipe.precision.mixed == "fp16" and device.type == "cpu":
        what = "`precision.mixed: fp16` needs a GPU"
        raise UserError(what, "", "precision: {mixed: bf16, full: fp32}")
    made = Accelerator(
        mixed_precision=_MIXED[recipe.precision.mixed],
        cpu=device.type == "cpu",
        kwargs_handlers=[unused],
    )
    if made.scaler is not None and recipe.precision.full == "fp16":
        allow_half_gradients(made.scaler)
    return made


def allow_half_gradients(scaler: Any) -> None:
    """torch refuses to scale back gradients that are fp16 themselves; full fp16 is just that."""
    scale_back = scaler._unscale_grads_
    scaler._unscale_grads_ = lambda optimizer, inverse, found, _allowed: scale_back(
        optimizer, inverse, found, True
    )


class Loop:
    """A model in training. stopping: asked between batches; true ends the loop with `Stopped`."""

    def __init__(
        self,
        plan: Plan,
        model: Denoised,
        accelerator: Accelerator,
        latents: Latents,
        texts: Texts,
        stopping: Callable[[], bool],
    ) -> None:
        self._plan = plan
        self._recipe = plan.recipe
        self.model = model
        self._latents = latents
        self._texts = texts
        self._stopping = stopping
        self._accelerator = accelerator
        self._names, self._weights = zip(*trained_weights(model), strict=True)
        self._optimizer = make_optimizer(model, plan.recipe)
        self._wrapped, self._stepper = accelerator.prepare(model, self._optimizer)
        self.averaged = Averaged(self._names, self._weights, plan.recipe.ema)
        self.step = 0
        self.epoch = 0
        self._batches = plan.order.since(0)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes back to a checkpoint. Raises UserError for one of other weights."""
        missing = set(self._names) ^ checkpoint.weights.keys()
        if missing:
            what = f"the checkpoint `{checkpoint.path}` holds other weights than the recipe trains"
            raise UserError(what, sorted(missing)[0], "--resume none -o ANOTHER_FOLDER")
        with torch.no_grad():
            for name, weight in zip(self._names, self._weights, strict=True):
                weight.copy_(checkpoint.weights[name])
        restore_optimizer(self._optimizer, checkpoint)
        self.averaged.restore(checkpoint.averaged, checkpoint.state.averaged)
        if self._accelerator.scaler is not None and checkpoint.state.scaler:
            self._accelerator.scaler.load_state_dict(checkpoint.state.scaler)
        self.step = checkpoint.state.step
        self._batches = self._plan.order.since(self.step * self._batches_a_step)

    def state(self) -> tuple[State, dict[str, dict[str, Tensor]]]:
        """What `restore` goes back to: state and tensors of a checkpoint."""
        tensors, numbers = optimizer_tensors(self._optimizer)
        scaler = self._accelerator.scaler
        state = State(
            self.step,
            dict(public_recipe(self._recipe)),
            numbers,
            {} if scaler is None else scaler.state_dict(),
            self.averaged.steps,
        )
        weights = dict(zip(self._names, self._weights, strict=True))
        return state, {
            "weights": weights,
            "averaged": self.averaged.tensors(),
            "optimizer": tensors,
        }

    @property
    def _batches_a_step(self) -> int:
        return self._recipe.gradient_accumulation * int(self._accelerator.num_processes)

    def advance(self) -> tuple[float, float]:
        """One step of the optimiser: the mean loss of its batches, and the share of the rate.

        Raises Stopped, UserError for a loss that is no number, MemoryError.
        """
        share = share_of_rate(self._recipe.schedule, self.step, self._plan.steps)
        set_rates(self._optimizer, share)
        with memory_errors():
            with _attention(self._accelerator.device):
                loss = self._gathered()
            self._update(loss)
        self.step += 1
        return loss, share

    def _gathered(self) -> float:
        """The gradients of all batches of a step, and their mean loss."""
        count = self._recipe.gradient_accumulation
        total = torch.zeros((), device=self._accelerator.device)
        for turn in range(count):
            if self._is_to_stop():
                self._optimizer.zero_grad(set_to_none=True)
                raise Stopped
            number, batch = self._next_batch()
            waiting = turn + 1 < count
            with self._accelerator.no_sync(self._wrapped) if waiting else nullcontext():
                loss = self._loss(number, batch) / count
                self._accelerator.backward(loss)
            total += loss.detach()
        return float(self._accelerator.reduce(total, "mean"))

    def _is_to_stop(self) -> bool:
        """Whether any of the processes was asked to, so that all of them stop together."""
        asked = self._stopping()
        if self._accelerator.num_processes == 1:
            return asked
        flag = torch.tensor(float(asked), device=self._accelerator.device)
        return bool(self._accelerator.reduce(flag, "sum") > 0)

    def _next_batch(self) -> tuple[int, Batch]:
        """Of the batches that are dealt out in turn, the one of this process."""
        processes = self._accelerator.num_processes
        dealt = [next(self._batches) for _ in range(processes)]
        number, self.epoch, batch = dealt[self._accelerator.process_index]
        return number, batch

    def _loss(self, number: int, batch: Batch) -> Tensor:
        """Everything random is drawn from the recipe's seed and the number of the batch."""
        seed = _mixed_seed(self._recipe.seed, number)
        torch.manual_seed(seed)
        seen = shown(self._plan, batch, self._latents, self._texts, Random(seed))
        generator = torch.Generator().manual_seed(seed)
        times = torch.randint(0, _TIMES, (len(batch),), generator=generator)
        noise = torch.randn(seen.latents.shape, generator=generator)
        trained = self._plan.source.trained
        levels = levels_at(times, trained)
        weights = min_snr_weights(levels, self._recipe.loss.min_snr_gamma, trained) * seen.weights
        target = wanted(seen.latents, noise, levels, trained)
        noisy = noised(seen.latents, noise, levels)
        device, dtype = self._accelerator.device, DTYPES[self._recipe.precision.full]
        texts = seen.texts
        said = self._wrapped(
            noisy.to(device, dtype, memory_format=memory_format(self._recipe)),
            times.to(device),
            seen.sizes.to(device),
            type(texts)(*(None if each is None else _moved(each, device, dtype) for each in texts)),
        )
        return loss_of(said, target.to(device), weights.to(device))

    def _update(self, loss: float) -> None:
        """The optimiser's step; what is no number never reaches the weights."""
        longest = self._recipe.max_grad_norm or float("inf")
        norm = self._accelerator.clip_grad_norm_(self._weights, longest)
        scaled = self._accelerator.scaler is not None
        if not torch.isfinite(torch.tensor(loss)) or not (scaled or torch.isfinite(norm)):
            self._optimizer.zero_grad(set_to_none=True)
            what = f"the loss of step {self.step + 1} is no number"
            hint = "lower learning_rate, or train in bf16; the last checkpoint is as it was"
            raise UserError(what, f"loss {loss}, length of the gradient {float(norm):g}", hint)
        self._stepper.step()
        self._stepper.zero_grad(set_to_none=True)
        if not self._accelerator.optimizer_step_was_skipped:
            self.averaged.follow()


def _attention(device: torch.device) -> AbstractContextManager[None]:
    """On a CPU torch's fused kernel goes back slowly: without it a step takes a third less time."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def _moved(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Tokens stay whole numbers."""
    return tensor.to(device, dtype) if tensor.is_floating_point() else tensor.to(device)


def _mixed_seed(seed: int, number: int) -> int:
    """A seed for each batch that has nothing in common with those beside it."""
    digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1
