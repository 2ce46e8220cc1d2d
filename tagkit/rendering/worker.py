"""A process that renders what another one hands it, and tells how it goes.

It never touches the manifest. When the other process goes away, so does this one, at once.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO

from msgspec.structs import replace

from tagkit.errors import UserError
from tagkit.extras import without_kernels
from tagkit.rendering.events import Smaller
from tagkit.rendering.loading import Models
from tagkit.rendering.messages import (
    Answer,
    Broken,
    Finish,
    Idle,
    Leased,
    Lost,
    Order,
    Rendered,
    Setup,
    Shrunk,
    Work,
    orders,
    send,
)
from tagkit.rendering.running import Run
from tagkit.rendering.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tagkit.rendering.events import Event
    from tagkit.rendering.job import Job
    from tagkit.rendering.loading import Means


def main() -> None:
    """Orders come on stdin, answers go to stdout; what libraries print goes to stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    heard: SimpleQueue[Order] = SimpleQueue()
    stop = Stop()
    Thread(target=_listen, args=(sys.stdin.buffer, heard, stop), daemon=True).start()
    setup = heard.get()
    assert isinstance(setup, Setup)  # noqa: S101 - the first message, as `Setup` says
    try:
        _work(setup, heard, answers, stop)
    except UserError as error:
        send(Broken(error.what, error.where, error.hint), answers)


def _listen(pipe: BinaryIO, heard: SimpleQueue[Order], stop: Stop) -> None:
    for order in orders(pipe):
        if isinstance(order, Finish):
            stop.asked = True
        else:
            heard.put(order)
    os._exit(1)


@without_kernels()
def _work(setup: Setup, heard: SimpleQueue[Order], answers: BinaryIO, stop: Stop) -> None:
    from tagkit.rendering.pipeline import find_device
    from tagkit.rendering.tools import Tools

    bases: dict[str, Path] = {}
    means = _own_means(setup)
    models = Models({(card, named): it for card, named, it in setup.models}, means, setup.files)
    tools = Tools(setup.output, setup.files, find_device(means.device), bases.get)
    telling = _Telling(answers)
    run = Run(telling, setup.output, models.open, tools, telling.hear, means.batch_size, stop)
    tools.prepare(setup.samples)
    while True:
        work = heard.get()
        assert isinstance(work, Work)  # noqa: S101 - all that comes behind the first message
        bases.update(work.bases)
        with suppress(KeyboardInterrupt):
            run.render(work.rows)
        send(Idle(), answers)


def _own_means(setup: Setup) -> Means:
    """Workers go to the devices of the machine in turn, unless one is named."""
    import torch

    from tagkit.rendering.pipeline import find_device

    device = find_device(setup.means.device)
    if device.type != "cuda" or device.index is not None:
        return setup.means
    return replace(setup.means, device=f"cuda:{setup.number % torch.cuda.device_count()}")


class _Telling:
    """The ledger of a worker, and who listens to its run."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers

    def _say(self, answer: Answer) -> None:
        send(answer, self._answers)

    def lease(self, jobs: Iterable[Job]) -> None:
        self._say(Leased([str(job.id) for job in jobs]))

    def done(self, job: Job) -> None:
        self._say(Rendered(str(job.id)))

    def failed(self, job: Job, error: str) -> None:
        self._say(Lost(str(job.id), error))

    def release(self) -> None:
        """`Idle`, or the end of this process, says so."""

    def hear(self, event: Event) -> None:
        if isinstance(event, Smaller):
            self._say(Shrunk(event.size))
