"""The log of a training: a line of CSV for each step, for plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.data import write_atomically
from tagkit.training.files import writing

if TYPE_CHECKING:
    from pathlib import Path

    from tagkit.training.events import Stepped

_HEAD = "step,epoch,loss,learning_rate,seconds"


class Log:
    """One file, which goes on where an earlier run left it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep_until(self, step: int) -> None:
        """Drops the lines of steps that are made anew."""
        lines = self._path.read_text("utf-8").splitlines()[1:] if self._path.is_file() else []
        kept = [line for line in lines if line.split(",")[0].isdigit()]
        kept = [line for line in kept if int(line.split(",")[0]) <= step]
        with writing(self._path):
            write_atomically(self._path, "\n".join([_HEAD, *kept, ""]).encode())

    def add(self, stepped: Stepped) -> None:
        """The line of one step."""
        values = (
            stepped.step,
            stepped.epoch,
            f"{stepped.loss:.6f}",
            f"{stepped.rate:.3e}",
            f"{stepped.seconds:.2f}",
        )
        with writing(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(",".join(map(str, values)) + "\n")
