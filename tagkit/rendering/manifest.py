"""The state of an output folder: its frozen plan, and how far every job of it has come.

A job is pending, leased (being rendered), done or failed. The file outlives the process at any
moment: what is leased when a process starts was left behind by one that died.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from tagkit.errors import UserError
from tagkit.rendering.free_names import FreeNames
from tagkit.rendering.job import Job
from tagkit.rendering.manifest_file import FILE, FOLDER, connected, is_output, trouble
from tagkit.rendering.naming import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tagkit.rendering.planning import Plan

    Columns = tuple[bytes, str, str, int, str]

# How often a job may have ended a process of its own: seen by the process that began it, or
# found at the next start, which cannot tell a job's fault from a stop from outside.
_DEADLY = 2
_DEADLY_UNSEEN = 5
_COLUMNS = "job, file, state, attempts, error"


class Row(msgspec.Struct, frozen=True):
    """A job and its state. attempts: how often it was begun and not brought to an end."""

    job: Job
    state: str
    attempts: int
    error: str


class Counts(msgspec.Struct, frozen=True):
    """Jobs of the last plan by state."""

    total: int
    done: int
    failed: int
    pending: int


class Manifest:
    """The manifest of an output folder. Only the process that holds the folder may write it."""

    def __init__(self, output: Path, connection: sqlite3.Connection) -> None:
        self._output = output
        self._connection = connection

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def plan(self, key: str) -> tuple[Job, ...] | None:
        """The jobs of the last plan if it was made from the same files and options."""
        if self._connection.execute("SELECT 1 FROM plan WHERE key = ?", [key]).fetchone():
            return tuple(row.job for row in self.rows())
        return None

    def rows(self) -> list[Row]:
        """The last plan, in its order."""
        return [_row(each) for each in self._select("place IS NOT NULL ORDER BY place")]

    def key(self) -> str:
        """What the last plan was made from, "" if there is none."""
        found = self._connection.execute("SELECT key FROM plan").fetchone()
        return str(found[0]) if found else ""

    def known(self) -> list[Row]:
        """Every job of every plan: the last plan's first."""
        return [_row(each) for each in self._select("TRUE ORDER BY place IS NULL, place, file")]

    def pictures(self) -> list[Row]:
        """Every job that has a picture: the last plan's first, then those of earlier plans."""
        found = self._select("state = 'done' ORDER BY place IS NULL, place, file")
        return [row for row in map(_row, found) if self._has_picture(row)]

    def picture(self, job_id: str) -> Path | None:
        """The picture of any job that the folder knows; None if it has none."""
        rows = self._connection.execute("SELECT file FROM jobs WHERE id = ?", [job_id])
        paths = (self._output / file for (file,) in rows)
        return next((path for path in paths if path.is_file()), None)

    def counts(self) -> Counts:
        """How far the last plan has come; a picture that was deleted counts as pending."""
        rows = self.rows()
        done = sum(row.state == "done" and self._has_picture(row) for row in rows)
        failed = sum(row.state == "failed" for row in rows)
        return Counts(len(rows), done, failed, len(rows) - done - failed)

    def place(self, job: Job) -> Path:
        """Where the picture of a job of the manifest lies, or will lie."""
        return self._output / job.file

    def adopt(self, plan: Plan) -> None:
        """Freezes a plan whose jobs all have ids. Jobs known already keep state and file.

        A picture that lies in the folder, is nobody's, and carries the recipe of a job that is not
        known is the picture of that job: so a manifest that was lost is made up for.
        """
        known = {row[0] for row in self._connection.execute("SELECT id FROM jobs")}
        with self._connection:
            self._connection.execute("UPDATE jobs SET place = NULL")
            names = FreeNames(self._files(), self._strays())
            for job in plan.jobs:
                if job.id in known:
                    self._set(job.id, place=job.index, job=msgspec.json.encode(job))
                else:
                    file, there = names.give(job, self._output)
                    self._insert(job, file, there=there)
            self._connection.execute("DELETE FROM plan")
            self._connection.execute("INSERT INTO plan VALUES (?)", [plan.key])

    def recover(self) -> list[Row]:
        """Begins a run: nothing is leased, deleted pictures are pending, no half file is left.

        Returns the jobs set aside because their processes died again and again. A process that
        died over several jobs says nothing of any one; each then gets a process to itself.
        """
        leased = [_row(each) for each in self._select("state = 'leased'")]
        deadly = [row for row in leased if len(leased) == 1 and row.attempts >= _DEADLY_UNSEEN]
        gone = [row for row in self.rows() if row.state == "done" and not self._has_picture(row)]
        with self._connection:
            self._connection.execute("UPDATE jobs SET state = 'pending' WHERE state = 'leased'")
            for row in deadly:
                self._set(row.job.id, state="failed", error=_ended(row.attempts))
            for row in gone:
                self._set(row.job.id, state="pending", attempts=0)
            self._finish_written(leased)
        self._sweep()
        return deadly

    def died(self, jobs: Sequence[Job], ending: str) -> list[Row]:
        """The process that drew these has died, and this one has seen it; the jobs' rows.

        One that did so twice and was alone the last time is set aside.
        """
        rows = [self._row_of(job) for job in jobs]
        deadly = len(rows) == 1 and rows[0].attempts >= _DEADLY
        with self._connection:
            for row in rows:
                error = f"{_ended(row.attempts)}: {ending}" if deadly else ""
                self._set(row.job.id, state="failed" if deadly else "pending", error=error)
        return [self._row_of(job) for job in jobs]

    def pending(self) -> list[Row]:
        """What is to be rendered; jobs that may have ended a process come last."""
        found = self._select("place IS NOT NULL AND state = 'pending' ORDER BY attempts, place")
        return [_row(each) for each in found]

    def lease(self, jobs: Iterable[Job]) -> None:
        """These are being rendered from now on."""
        self._change("state = 'leased', attempts = attempts + 1", jobs)

    def release(self) -> None:
        """What is still leased was not the reason for the end of this process."""
        leased = [_row(each) for each in self._select("state = 'leased'")]
        with self._connection:
            self._connection.execute(
                "UPDATE jobs SET state = 'pending', attempts = attempts - 1 WHERE state = 'leased'"
            )
            self._finish_written(leased)

    def done(self, job: Job) -> None:
        """The picture lies in its place."""
        self._change("state = 'done', attempts = 0, error = ''", [job])

    def failed(self, job: Job, error: str) -> None:
        """It could not be rendered."""
        with self._connection:
            self._set(job.id, state="failed", attempts=0, error=error)

    def retry(self) -> int:
        """Failed jobs of the last plan are pending again; how many. Refused ones stay."""
        failed = [row.job for row in self.rows() if row.state == "failed" and not row.job.refused]
        self._change("state = 'pending', attempts = 0, error = ''", failed)
        return len(failed)

    def forget(self) -> None:
        """Everything of the last plan is rendered again."""
        again = [row.job for row in self.rows() if not row.job.refused]
        self._change("state = 'pending', attempts = 0, error = ''", again)

    def _files(self) -> Iterator[str]:
        """The files of all known jobs."""
        return (row[0] for row in self._connection.execute("SELECT file FROM jobs"))

    def _strays(self) -> Iterator[str]:
        """All files in the folder."""
        paths = (path for path in self._output.rglob("*") if path.is_file())
        return (path.relative_to(self._output).as_posix() for path in paths)

    def _sweep(self) -> None:
        """Takes away what a process that died had not finished writing."""
        own = (self._output, *(each for each in (self._output / FOLDER).glob("*") if each.is_dir()))
        folders = {*own, *(self.place(row.job).parent for row in self.rows())}
        for path in (each for folder in folders for each in folder.glob(".*.tmp")):
            if UNFINISHED.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _finish_written(self, rows: Sequence[Row]) -> None:
        """A picture that came to its place before that was noted is done."""
        for row in rows:
            if self._has_picture(row):
                self._set(row.job.id, state="done", attempts=0, error="")

    def _row_of(self, job: Job) -> Row:
        [found] = self._connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", [job.id])  # noqa: S608 - names come from this file
        return _row(found)

    def _insert(self, job: Job, file: str, *, there: bool) -> None:
        state, error = ("done" if there else "pending"), ""
        if job.refused:
            state, error = "failed", f"refused: {job.refused}"
        self._connection.execute(
            "INSERT INTO jobs (id, place, job, file, state, error) VALUES (?, ?, ?, ?, ?, ?)",
            [job.id, job.index, msgspec.json.encode(job), file, state, error],
        )

    def _set(self, job_id: str | None, **values: str | int | bytes) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        self._connection.execute(
            f"UPDATE jobs SET {columns} WHERE id = ?",  # noqa: S608 - names come from this file
            [*values.values(), job_id],
        )

    def _change(self, change: str, jobs: Iterable[Job]) -> None:
        with self._connection:
            self._connection.executemany(
                f"UPDATE jobs SET {change} WHERE id = ?",  # noqa: S608 - as above
                [[job.id] for job in jobs],
            )

    def _select(self, condition: str) -> list[Columns]:
        query = f"SELECT {_COLUMNS} FROM jobs WHERE {condition}"  # noqa: S608 - as above
        found: list[Columns] = self._connection.execute(query).fetchall()
        return found

    def _has_picture(self, row: Row) -> bool:
        return (self._output / row.job.file).is_file()


@contextmanager
def open_manifest(output: Path, *, create: bool = False) -> Iterator[Manifest]:
    """The manifest of an output folder.

    Raises UserError if there is none, if it is damaged, or if the disk has no room for it; the
    same where one of these comes to light while it is open.
    """
    path = output / FOLDER / FILE
    if not create and not is_output(output):
        raise UserError(f"`{output}` is no output folder of tagkit", f"no {FOLDER}/{FILE} in it")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # What one that was moved away has left would be taken for the journal of the new one.
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    try:
        connection = connected(path)
        try:
            yield Manifest(output, connection)
        finally:
            connection.close()
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        raise trouble(path, error) from error


def _row(values: Columns) -> Row:
    content, file, state, attempts, error = values
    job = msgspec.json.decode(content, type=Job)
    return Row(msgspec.structs.replace(job, file=file), state, attempts, error)


def _ended(attempts: int) -> str:
    return f"it ended its process {'twice' if attempts == _DEADLY else f'{attempts} times'}"
