"""The learning rate, step by step."""

from __future__ import annotations

from math import cos, pi
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tagkit.cards import Schedule


def share_of_rate(schedule: Schedule, step: int, steps: int) -> float:
    """By what the learning rate is multiplied in `step`, counted from 0, of `steps`.

    It rises evenly and is whole in the last of the `warmup_steps`.
    """
    warmup = schedule.warmup_steps
    if step < warmup:
        return (step + 1) / warmup
    if schedule.name == "constant":
        return 1.0
    progress = min((step - warmup) / max(steps - warmup, 1), 1.0)
    return (1 + cos(pi * progress)) / 2 if schedule.name == "cosine" else 1 - progress
