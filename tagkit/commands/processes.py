"""Work spread over processes, its results in the order of the tasks."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection

    T = TypeVar("T")
    R = TypeVar("R")

_AHEAD = 2  # tasks that a worker has, so that it need not wait for the next one
_ALLOCATIONS = 100_000  # between two collections; values that never refer back need few


def core_count() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    begin: Callable[[], Callable[[T], R]], tasks: Iterable[T], processes: int
) -> Iterator[R]:
    """What the workers make of `tasks`, in their order; few are in flight, so memory is bounded.

    begin: called once in each process, gives what does the work there; it and all tasks and
    results are pickled, and tasks are small. Raises UserError if a worker dies.
    """
    workers = [_started(begin) for _ in range(processes)]
    waiting: deque[Connection] = deque()
    try:
        for number, task in enumerate(tasks):
            connection = workers[number % processes]
            if len(waiting) == _AHEAD * processes:
                yield waiting.popleft().recv()
            connection.send(task)
            waiting.append(connection)
        while waiting:
            yield waiting.popleft().recv()
    except (EOFError, ConnectionError) as error:
        hint = "it may have run out of memory; lint fewer files at once"
        raise UserError("a process that checked prompts has died", "", hint) from error
    finally:
        for connection in workers:
            connection.close()


def _started(begin: Callable[[], Callable[[T], R]]) -> Connection:
    mine, theirs = multiprocessing.Pipe()
    multiprocessing.Process(target=_work, args=(begin, theirs), daemon=True).start()
    theirs.close()
    return mine


def _work(begin: Callable[[], Callable[[T], R]], connection: Connection) -> None:
    """Until the other side closes or Ctrl-C, which reaches all processes of a terminal."""
    with suppress(KeyboardInterrupt):
        act = begin()
        gc.freeze()  # what is known by now stays; what tasks make is gone without a collector
        gc.set_threshold(_ALLOCATIONS)
        while True:
            try:
                task = connection.recv()
            except (EOFError, ConnectionError):
                return
            connection.send(act(task))
