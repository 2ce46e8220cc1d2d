"""How much memory the weights of a training take, counted on networks that hold no numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import torch

from tagkit.training.networks import build_components, make_ready, trained_weights
from tagkit.training.seeing import reads_each_step

if TYPE_CHECKING:
    from tagkit.training.plan import Plan

# Numbers that an optimiser keeps of each weight.
_STATES = {"adamw": 2, "adamw-8bit": 2, "lion": 1, "lion-8bit": 1}
_FULL = 4


class Memory(msgspec.Struct, frozen=True):
    """In bytes, while training goes on. What a batch takes comes on top of it."""

    weights: int
    gradients: int
    optimizer: int
    average: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.average


def memory_needed(plan: Plan) -> Memory:
    """What the weights of a plan take. Raises UserError for config files that are none."""
    recipe, nowhere = plan.recipe, torch.device("meta")
    with nowhere:
        components = build_components(plan.source.config)
        model = make_ready(components, recipe, nowhere, reads=reads_each_step(recipe))
    learning = [weight for _, weight in trained_weights(model)]
    count = sum(weight.numel() for weight in learning)
    gradients = sum(weight.nbytes for weight in learning)
    state = count if recipe.optimizer.name.endswith("8bit") else gradients
    return Memory(
        weights=sum(weight.nbytes for weight in model.parameters()),
        gradients=gradients,
        optimizer=state * _STATES[recipe.optimizer.name],
        average=0 if recipe.ema is None else count * _FULL,
    )
