"""What a training tells of itself while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from tagkit.training.plan import Plan


class Begun(msgspec.Struct, frozen=True):
    """The plan stands; `step` are done already."""

    plan: Plan
    step: int


class Prepared(msgspec.Struct, frozen=True):
    """So many of all `what` have been worked out: `latents` or `texts`."""

    what: str
    done: int
    of: int


class Stepped(msgspec.Struct, frozen=True):
    """A step of the optimiser: its number from 1, its mean loss, the UNet's learning rate."""

    step: int
    epoch: int
    loss: float
    rate: float
    seconds: float


class Saved(msgspec.Struct, frozen=True):
    """A checkpoint, a finished file or a sample was written."""

    what: str
    path: Path


class Warned(msgspec.Struct, frozen=True):
    """Something that the user should know."""

    text: str


Event = Begun | Prepared | Stepped | Saved | Warned
Watch = Callable[[Event], None]


def unwatched(event: Event) -> None:
    """Nobody listens."""
