"""What is heard of a render run: a bar on a terminal, plain lines elsewhere. All on stderr."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from tagkit.commands.bars import terminal_bar
from tagkit.rendering.events import Begun, Done, Event, Failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.progress import Progress

    from tagkit.rendering import Job
    from tagkit.rendering.events import Watch


@contextmanager
def watching() -> Iterator[Watch]:
    """A listener for one run."""
    with terminal_bar() as progress:
        yield (_Bar(progress) if progress else _Lines()).hear


def changes(jobs: Iterable[Job]) -> str:
    """`N of M prompts changed`."""
    changed: dict[str, bool] = {}
    for job in jobs:
        changed[job.original] = changed.get(job.original, False) or job.prompt != job.original
    return f"{sum(changed.values())} of {len(changed)} prompts changed"


class _Lines:
    def __init__(self) -> None:
        self._pending = 0
        self._done = 0

    def hear(self, event: Event) -> None:
        if isinstance(event, Begun):
            self._pending = event.pending
        elif isinstance(event, Done | Failed):
            self._done += 1
        click.echo(_words(event, f"[{self._done}/{self._pending}] "), err=True)


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("loading", total=None)

    def hear(self, event: Event) -> None:
        if isinstance(event, Begun):
            self._progress.update(self._task, total=event.pending)
        elif isinstance(event, Done):
            self._progress.update(self._task, advance=1, description=event.job.file)
            return
        elif isinstance(event, Failed):
            self._progress.update(self._task, advance=1)
        self._progress.console.print(_words(event, ""), markup=False, highlight=False)


def _words(event: Event, number: str) -> str:
    if isinstance(event, Begun):
        return "\n".join([*(f"warning: {each}" for each in event.warnings), _plan_words(event)])
    if isinstance(event, Done):
        return f"{number}{event.path}"
    if isinstance(event, Failed):
        return f"{number}failed: {event.job.file}: {event.error}"
    return f"memory ran out; {event.size} at once from now on"


def _plan_words(event: Begun) -> str:
    return f"{len(event.jobs)} jobs, {changes(event.jobs)}, {event.pending} to render"
