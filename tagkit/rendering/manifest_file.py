"""The file of an output folder's manifest: where it lies, its tables, what can go wrong with it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.rendering.disk import disk_full

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ".tagkit"
FILE = "manifest.sqlite"
_VERSION = 1
_SCHEMA = """
CREATE TABLE plan (key TEXT NOT NULL);
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    place INTEGER,              -- in the last plan; null if it is no longer part of it
    job BLOB NOT NULL,
    file TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX by_place ON jobs (place);
"""


def is_output(folder: Path) -> bool:
    """Whether it is an output folder of tagkit."""
    return (folder / FOLDER / FILE).is_file()


def trouble(path: Path, error: Exception) -> UserError:
    """What went wrong with the file, and what to do."""
    if "disk is full" in str(error):
        return disk_full(path.parent.parent)
    if "locked" in str(error):
        hint = "wait until it has finished"
        return UserError(f"`{path}` is being written by another process", str(error), hint)
    hint = (
        "move it away and start again: pictures that carry the recipe of a job are taken for done"
    )
    return UserError(f"`{path}` cannot be read", str(error), hint)


def connected(path: Path) -> sqlite3.Connection:
    """The file open, its tables made where it is new. Raises UserError for one of another form."""
    connection = sqlite3.connect(path, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
    elif version != _VERSION:
        connection.close()
        raise UserError(f"`{path}` was written by another version of tagkit", f"form {version}")
    return connection
