"""What is heard of a training: a bar on a terminal, plain lines elsewhere. All on stderr."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from tagkit.commands.bars import terminal_bar
from tagkit.training.events import Begun, Prepared, Saved, Stepped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

    from tagkit.training.events import Event, Watch

# Elsewhere than on a terminal a line comes this often at the most, in seconds.
_PAUSE = 10.0


@contextmanager
def watching(clock: Callable[[], float] = time.monotonic) -> Iterator[Watch]:
    """A listener for one training."""
    with terminal_bar() as progress:
        yield (_Bar(progress) if progress else _Lines(clock)).hear


class _Lines:
    """Steps and pictures come in great numbers: the first, the last, and one now and then."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._steps = 0
        self._said_at = float("-inf")

    def hear(self, event: Event) -> None:
        if isinstance(event, Begun):
            self._steps = event.plan.steps
        if isinstance(event, Stepped) and event.step < self._steps and not self._is_time():
            return
        if isinstance(event, Prepared) and event.done < event.of and not self._is_time():
            return
        click.echo(_words(event, self._steps), err=True)

    def _is_time(self) -> bool:
        now = self._clock()
        if now - self._said_at < _PAUSE:
            return False
        self._said_at = now
        return True


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("loading", total=None)

    def hear(self, event: Event) -> None:
        if isinstance(event, Begun):
            steps = event.plan.steps
            self._progress.update(
                self._task, total=steps, completed=event.step, description="training"
            )
        elif isinstance(event, Prepared):
            self._progress.update(
                self._task, total=event.of, completed=event.done, description=event.what
            )
            return
        elif isinstance(event, Stepped):
            self._progress.update(
                self._task, completed=event.step, description=f"loss {event.loss:.4f}"
            )
            return
        self._progress.console.print(_words(event, 0), markup=False, highlight=False)


def _words(event: Event, steps: int) -> str:
    if isinstance(event, Begun):
        done = f", {event.step} of them done" if event.step else ""
        return f"{event.plan.steps} steps{done}"
    if isinstance(event, Prepared):
        return f"{event.what}: {event.done} of {event.of}"
    if isinstance(event, Stepped):
        numbers = f"loss {event.loss:.4f}, rate {event.rate:.2e}, {event.seconds:.2f} s"
        return f"[{event.step}/{steps}] epoch {event.epoch + 1}, {numbers}"
    if isinstance(event, Saved):
        return f"{event.what}: {event.path}"
    return f"warning: {event.text}"
