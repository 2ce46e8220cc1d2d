"""Names of new pictures in a folder that has some already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tagkit.rendering.job_infotext import is_picture_of
from tagkit.rendering.naming import numbered

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tagkit.rendering.job import Job


class FreeNames:
    """File names, each given once, as a file system that is blind to case sees them.

    known: of jobs; lying: of files in the folder.
    """

    def __init__(self, known: Iterable[str], lying: Iterable[str]) -> None:
        self._taken = {name.casefold() for name in known}
        self._lying = {name.casefold() for name in lying}

    def give(self, job: Job, output: Path) -> tuple[str, bool]:
        """The job's name or the first numbered one that is free, and whether it lies there."""
        name, number = job.file, 1
        while not (there := self._is_its_own(name, job, output)) and not self._is_free(name):
            number += 1
            name = numbered(job.file, number)
        self._taken.add(name.casefold())
        return name, there

    def _is_free(self, name: str) -> bool:
        return name.casefold() not in self._taken and name.casefold() not in self._lying

    def _is_its_own(self, name: str, job: Job, output: Path) -> bool:
        if name.casefold() in self._taken or name.casefold() not in self._lying:
            return False
        return is_picture_of(output / name, job)
