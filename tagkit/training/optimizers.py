"""Optimisers by their names in recipes: torch's AdamW, the others of bitsandbytes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from tagkit.extras import need
from tagkit.training.networks import trained_weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.optim import Optimizer

    from tagkit.training.networks import Denoised
    from tagkit.training.recipe import Recipe


def make_optimizer(model: Denoised, recipe: Recipe) -> Optimizer:
    """The optimiser over all that is trained; the text encoders at their own rate.

    Raises UserError where bitsandbytes is needed and not installed.
    """
    rates = {"unet": recipe.learning_rate}
    usual = recipe.text_learning_rate or recipe.learning_rate
    groups: dict[float, list[Any]] = {}
    for name, weight in trained_weights(model):
        groups.setdefault(rates.get(name.partition(".")[0], usual), []).append(weight)
    optimizer = _KINDS[recipe.optimizer.name](recipe)
    made: Optimizer = optimizer(
        [{"params": weights, "lr": rate} for rate, weights in groups.items()],
        lr=recipe.learning_rate,
        betas=recipe.optimizer.betas,
        weight_decay=recipe.optimizer.weight_decay,
    )
    for group in made.param_groups:
        group["whole_lr"] = group["lr"]
    return made


def set_rates(optimizer: Optimizer, share: float) -> None:
    """Every group at `share` of its whole rate."""
    for group in optimizer.param_groups:
        group["lr"] = group["whole_lr"] * share


def _adamw(recipe: Recipe) -> Callable[..., Any]:
    return partial(torch.optim.AdamW, eps=recipe.optimizer.eps, fused=True)


def _of_bitsandbytes(name: str, recipe: Recipe) -> Callable[..., Any]:
    need("train", "bitsandbytes")
    import bitsandbytes

    made: Callable[..., Any] = getattr(bitsandbytes.optim, name)
    return partial(made, eps=recipe.optimizer.eps) if name.startswith("AdamW") else made


_KINDS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "adamw": _adamw,
    "adamw-8bit": partial(_of_bitsandbytes, "AdamW8bit"),
    "lion": partial(_of_bitsandbytes, "Lion"),
    "lion-8bit": partial(_of_bitsandbytes, "Lion8bit"),
}
