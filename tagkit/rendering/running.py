"""The run: what is pending goes through the pipeline in batches and comes out done or failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import msgspec

from tagkit.errors import UserError
from tagkit.rendering.disk import of_disk
from tagkit.rendering.events import Done, Failed, Smaller
from tagkit.rendering.job import Tokens
from tagkit.rendering.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from tagkit.rendering.events import Watch
    from tagkit.rendering.job import Job
    from tagkit.rendering.manifest import Row
    from tagkit.rendering.pipeline import Pipeline
    from tagkit.rendering.tools import Tools
    from tagkit.rendering.vae import Picture

_MOST_AT_ONCE = 8
# What jobs that share a batch may differ in, beside what `_batch_key` looks at itself.
_DIFFERING: dict[str, object] = {
    "id": None, "index": 0, "file": "", "prompt": "", "negative": "", "seed": 0,
    "tokens": Tokens(0, 0), "diagnostics": (), "embeddings": (), "original": "",
}  # fmt: skip


class Ledger(Protocol):
    """Where the states of jobs are noted: the manifest, or a process that keeps it."""

    def lease(self, jobs: Iterable[Job]) -> None:
        """These are being rendered from now on."""

    def done(self, job: Job) -> None:
        """The picture lies in its place."""

    def failed(self, job: Job, error: str) -> None:
        """It could not be rendered."""

    def release(self) -> None:
        """What is still leased is given back."""


class Run:
    """Renders jobs and notes in `ledger` how far each has come.

    open_model: the loaded model for a job. tools: what passes need beside it. batch_size: 0 for as
    many as the device is good for. stop: asked between batches.
    """

    def __init__(
        self,
        ledger: Ledger,
        output: Path,
        open_model: Callable[[Job], Pipeline],
        tools: Tools,
        watch: Watch,
        batch_size: int = 0,
        stop: Stop | None = None,
    ) -> None:
        self._ledger = ledger
        self._output = output
        self._open_model = open_model
        self._tools = tools
        self._watch = watch
        self._batch_size = batch_size or _MOST_AT_ONCE
        self._automatic = not batch_size
        self._stop = stop or Stop()
        self._saving: list[tuple[Job, Future[Path]]] = []

    def render(self, rows: Sequence[Row]) -> None:
        """Renders the jobs of these rows. However it ends, nothing stays leased.

        Pictures are written by a second thread while the next ones are drawn. Raises UserError
        where no job could be rendered any more, KeyboardInterrupt after a stop.
        """
        with ThreadPoolExecutor(1) as self._writer:
            try:
                for group in _groups([row.job for row in rows]):
                    self._render_group(group)
                self._collect()
            finally:
                self._keep_what_is_written()
                self._ledger.release()

    def _render_group(self, jobs: Sequence[Job]) -> None:
        """Jobs of one model; files that it cannot wear are the fault of these jobs only."""
        try:
            model = self._open_model(jobs[0])
        except UserError as error:
            for job in jobs:
                self._fail(job, error)
            return
        at = 0
        while at < len(jobs):
            batch = jobs[at : at + self._size(model, jobs[0])]
            with self._stop.finishing():
                self._ledger.lease(batch)
                self._render_batch(model, batch)
            at += len(batch)

    def _size(self, model: Pipeline, job: Job) -> int:
        if not self._automatic:
            return self._batch_size
        return max(1, min(self._batch_size, model.most_pixels // (job.width * job.height)))

    def _render_batch(self, model: Pipeline, jobs: Sequence[Job]) -> None:
        """A batch that fails is halved until the job that is to blame stands alone."""
        from tagkit.rendering.passes import finished

        if len(jobs) > self._batch_size:  # what was too much for one half is so for the other
            for at in range(0, len(jobs), self._batch_size):
                self._render_batch(model, jobs[at : at + self._batch_size])
            return
        try:
            outcomes = finished(model, jobs, self._tools)
        except MemoryError as error:
            self._batch_size = max(1, len(jobs) // 2)
            if len(jobs) > 1:
                self._watch(Smaller(self._batch_size))
            self._halve(model, jobs, error)
        except Exception as error:  # noqa: BLE001 - one job's fault must not end the others
            self._halve(model, jobs, error)
        else:
            for job, outcome in outcomes:
                self._finish(job, outcome)

    def _halve(self, model: Pipeline, jobs: Sequence[Job], error: Exception) -> None:
        if len(jobs) == 1:
            self._fail(jobs[0], error)
            return
        middle = len(jobs) // 2
        self._render_batch(model, jobs[:middle])
        self._render_batch(model, jobs[middle:])

    def _finish(self, job: Job, outcome: Picture | Exception) -> None:
        from tagkit.rendering.saving import save_picture

        if isinstance(outcome, Exception):
            self._fail(job, outcome)
            return
        self._saving.append((job, self._writer.submit(save_picture, outcome, job, self._output)))
        self._collect(keep=1)

    def _collect(self, keep: int = 0) -> None:
        """Waits until all pictures but the last `keep` are written."""
        while len(self._saving) > keep:
            job, writing = self._saving[0]
            error = writing.exception()
            if error is None:
                self._ledger.done(job)
                self._watch(Done(job, writing.result()))
            elif isinstance(error, Exception):
                self._fail(job, error)
            # Taken off last: a stop that comes in between finds the picture still to be noted.
            del self._saving[0]

    def _keep_what_is_written(self) -> None:
        """At an end before the time; what could not be written is rendered another time."""
        for job, writing in self._saving:
            if writing.exception() is None:
                self._ledger.done(job)
                self._watch(Done(job, writing.result()))

    def _fail(self, job: Job, error: Exception) -> None:
        """Raises UserError where the disk is to blame, and so every later job would fail."""
        if trouble := of_disk(error, self._output):
            raise trouble from error
        text = " ".join(str(error).split())[:500] or type(error).__name__
        self._ledger.failed(job, text)
        self._watch(Failed(job, text))


def _groups(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Jobs that can share a batch: they differ in nothing but prompts and seed.

    Groups stand in the order of their first jobs, those of one model together, and of these those
    of the same LoRAs: putting them on takes time.
    """
    groups: dict[tuple[object, ...], list[Job]] = {}
    for job in jobs:
        groups.setdefault(_batch_key(job), []).append(job)
    first: dict[object, int] = {}
    for place, job in enumerate(jobs):
        first.setdefault(job.model, place)
        first.setdefault((job.model, job.loras), place)
    yield from sorted(
        groups.values(),
        key=lambda group: (first[group[0].model], first[group[0].model, group[0].loras]),
    )


def _batch_key(job: Job) -> tuple[object, ...]:
    """Equal for jobs that differ in nothing but names, and whose passes can share batches."""
    from tagkit.rendering.hires import second_pass
    from tagkit.rendering.pipeline import first_pass

    hires, passes = job.hires, [first_pass(job)]
    if hires:
        passes.append(second_pass(job, hires))
        hires = msgspec.structs.replace(hires, prompt="", negative="")
    base = "stored" if job.base else ""
    alike = msgspec.structs.replace(job, hires=hires, base=base, **_DIFFERING)
    return (alike, *(each.batch_key for each in passes))
