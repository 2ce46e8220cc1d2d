"""What a run tells of itself while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from tagkit.rendering.job import Job


class Begun(msgspec.Struct, frozen=True):
    """The plan stands: its jobs, its warnings, and how many pictures are to be rendered now."""

    jobs: tuple[Job, ...]
    warnings: tuple[str, ...]
    pending: int


class Done(msgspec.Struct, frozen=True):
    """A picture was written."""

    job: Job
    path: Path


class Failed(msgspec.Struct, frozen=True):
    """A job could not be rendered."""

    job: Job
    error: str


class Smaller(msgspec.Struct, frozen=True):
    """Memory ran out; from now on at most `size` pictures are drawn at once."""

    size: int


Event = Begun | Done | Failed | Smaller
Watch = Callable[[Event], None]


def unwatched(event: Event) -> None:
    """Nobody listens."""
