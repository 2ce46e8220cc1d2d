"""A run in worker processes, one a device: a death is a job's failure, not the run's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.rendering.events import Done, Failed, Smaller
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
    answers,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from tagkit.rendering.events import Watch
    from tagkit.rendering.job import Job
    from tagkit.rendering.manifest import Manifest, Row
    from tagkit.rendering.stopping import Stop

    Portion: TypeAlias = list[Row]

# As the parent finds its modules, whatever the current folder holds.
_CODE = "import sys; sys.path[:] = sys.argv[1:]; from tagkit.rendering.worker import main; main()"
_PORTIONS_EACH = 4
_LEAST, _MOST = 8, 64
# Seconds between looks at whether a stop is asked for.
_BREATH = 0.2
_FAREWELL = 10
# Of workers that had drawn nothing, in a row.
_MOST_DEATHS = 3


class Worker:
    """One process, the rows that it has in hand, and the jobs that it is drawing."""

    def __init__(
        self,
        setup: Setup,
        heard: SimpleQueue[tuple[Worker, Answer | None]],
        environment: Mapping[str, str],
    ) -> None:
        self.number = setup.number
        self.hand: dict[str, Row] = {}
        self.leased: dict[str, Job] = {}
        self.worn: object = None
        self._process = subprocess.Popen(  # noqa: S603 - this Python and this program
            [sys.executable, "-c", _CODE, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self._heard = heard
        Thread(target=self._listen, daemon=True).start()
        self.tell(setup)

    def tell(self, order: Order) -> None:
        """Sends an order; one that has died is heard of soon enough."""
        assert self._process.stdin  # noqa: S101 - opened as a pipe
        with suppress(BrokenPipeError):
            send(order, self._process.stdin)

    def ended(self) -> str:
        """How the process ended, once it has."""
        self.dismiss()
        code = self._process.wait()
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def dismiss(self, patience: float = _FAREWELL) -> None:
        """Ends it within so many seconds: it goes when its orders end."""
        assert self._process.stdin  # noqa: S101 - as above
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def finished(self, job_id: str) -> Job:
        """A job of its hand that has come to an end."""
        self.leased.pop(job_id, None)
        return self.hand.pop(job_id).job

    def _listen(self) -> None:
        assert self._process.stdout  # noqa: S101 - as above
        with self._process.stdout as pipe:
            for answer in answers(pipe):
                self._heard.put((self, answer))
        self._heard.put((self, None))


class Crew:
    """Renders jobs of a manifest in `size` processes; only this one writes the manifest.

    setup: what the worker of a number has to know.
    """

    def __init__(
        self, manifest: Manifest, setup: Callable[[int], Setup], size: int, watch: Watch, stop: Stop
    ) -> None:
        self._manifest = manifest
        self._setup = setup
        self._size = size
        self._watch = watch
        self._stop = stop
        self._answers: SimpleQueue[tuple[Worker, Answer | None]] = SimpleQueue()
        self._workers: list[Worker] = []
        self._waiting: deque[Portion] = deque()
        self._deaths = 0
        self._told = False

    def render(self, rows: Sequence[Row]) -> None:
        """Renders the jobs of these rows. However it ends, nothing stays leased.

        Raises UserError where nothing can be rendered, KeyboardInterrupt after a stop.
        """
        self._waiting.extend(_portions(rows, self._size))
        try:
            with self._stop.finishing():
                for number in range(min(self._size, len(self._waiting))):
                    self._hire(number)
                while self._waiting or any(worker.hand for worker in self._workers):
                    self._hear()
        finally:
            for worker in self._workers:
                worker.dismiss(0 if worker.hand else _FAREWELL)
            self._manifest.release()

    def _hire(self, number: int) -> None:
        environment = dict(os.environ)
        if self._size > 1:
            threads = max(1, (os.cpu_count() or 1) // self._size)
            environment.setdefault("OMP_NUM_THREADS", str(threads))
        worker = Worker(self._setup(number), self._answers, environment)
        self._workers.append(worker)
        self._hand_out(worker)

    def _hand_out(self, worker: Worker) -> None:
        """The next portion, of the model that the worker has at hand if there is one."""
        worker.hand = {}
        if self._stop.asked or not self._waiting:
            return
        same = (each for each in self._waiting if _worn(each) == worker.worn)
        portion = next(same, self._waiting[0])
        self._waiting.remove(portion)
        worker.hand, worker.worn = {str(row.job.id): row for row in portion}, _worn(portion)
        worker.tell(Work(portion, self._bases(portion)))

    def _bases(self, portion: Portion) -> dict[str, Path]:
        wanted = {row.job.base for row in portion if row.job.base}
        found = {each: self._manifest.picture(each) for each in wanted}
        return {each: path for each, path in found.items() if path}

    def _hear(self) -> None:
        if self._stop.asked:
            self._wind_up()
        try:
            worker, answer = self._answers.get(timeout=_BREATH)
        except Empty:
            return
        if answer is None:
            self._bury(worker)
        elif isinstance(answer, Idle):
            self._hand_out(worker)
        else:
            self._note(worker, answer)

    def _wind_up(self) -> None:
        """Raises KeyboardInterrupt as soon as nothing is being drawn."""
        if not any(worker.leased for worker in self._workers):
            raise KeyboardInterrupt
        if not self._told:
            self._told = True
            for worker in self._workers:
                worker.tell(Finish())

    def _note(self, worker: Worker, answer: Answer) -> None:
        if isinstance(answer, Leased):
            jobs = {each: worker.hand[each].job for each in answer.ids}
            worker.leased |= jobs
            self._manifest.lease(jobs.values())
        elif isinstance(answer, Rendered):
            self._deaths = 0
            job = worker.finished(answer.id)
            self._manifest.done(job)
            self._watch(Done(job, self._manifest.place(job)))
        elif isinstance(answer, Lost):
            job = worker.finished(answer.id)
            self._manifest.failed(job, answer.error)
            self._watch(Failed(job, answer.error))
        elif isinstance(answer, Shrunk):
            self._watch(Smaller(answer.size))
        elif isinstance(answer, Broken):
            raise UserError(answer.what, answer.where, answer.hint)

    def _bury(self, worker: Worker) -> None:
        """A worker has died: what it drew is suspect, the rest of its hand is not."""
        self._workers.remove(worker)
        ending = worker.ended()
        if not worker.leased:
            self._deaths += 1
        if self._deaths >= _MOST_DEATHS:
            hint = "is there enough memory for the model, once for each worker?"
            raise UserError(f"worker processes end before they draw anything: {ending}", "", hint)
        rest = [row for job_id, row in worker.hand.items() if job_id not in worker.leased]
        if rest:
            self._waiting.appendleft(rest)
        for row in self._manifest.died(list(worker.leased.values()), ending):
            if row.state == "failed":
                self._watch(Failed(row.job, row.error))
            else:
                self._waiting.append([row])
        if self._waiting and not self._stop.asked:
            self._hire(worker.number)


def _portions(rows: Sequence[Row], size: int) -> Iterator[Portion]:
    """What workers take at a time; a job that may have ended a process comes last and alone."""
    first: dict[object, int] = {}
    fresh = [row for row in rows if not row.attempts]
    for place, row in enumerate(fresh):
        first.setdefault(row.job.model, place)
        first.setdefault(_worn([row]), place)
    fresh.sort(key=lambda row: (first[row.job.model], first[_worn([row])]))
    most = len(fresh) if size == 1 else -(-len(fresh) // (size * _PORTIONS_EACH))
    most = max(1, most if size == 1 else min(max(most, _LEAST), _MOST))
    yield from (fresh[at : at + most] for at in range(0, len(fresh), most))
    yield from ([row] for row in rows if row.attempts)


def _worn(portion: Portion) -> object:
    job = portion[0].job
    return job.model, job.checkpoint, job.loras
