"""The user's own list of names: which one counts, and where its compiled form lies."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tagkit.data import cache_folder, user_folder, write_atomically
from tagkit.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".marisa"


def imported_list() -> Path:
    """Where `tagkit lexicon import` puts the list, whether there is one or not."""
    return user_folder() / f"lexicon{SUFFIX}"


def own_list(chosen: Path | None) -> Path | None:
    """The compiled form of the list `chosen`, else the imported list; None without either.

    A CSV is compiled once and again when it has changed. Raises UserError.
    """
    if chosen is None:
        return imported_list() if imported_list().is_file() else None
    return chosen if chosen.suffix == SUFFIX else _compiled(chosen)


def _compiled(path: Path) -> Path:
    """The compiled form in the cache; path, size and time say whether it is still of use."""
    try:
        status = path.stat()
    except OSError as error:
        hint = "`lexicon` in tagkit.yaml names a CSV or a compiled list"
        raise UserError(f"cannot read `{path}`", error.strerror or str(error), hint) from error
    key = f"{path.absolute()}\n{status.st_size}\n{status.st_mtime_ns}"
    stored = cache_folder() / "lexicon" / f"{path.stem}-{zlib.crc32(key.encode()):08x}{SUFFIX}"
    if not stored.is_file():
        from tagkit.lexicon.importing import compile_csv

        content = compile_csv(path)
        for old in stored.parent.glob(f"{path.stem}-????????{SUFFIX}"):
            old.unlink(missing_ok=True)
        write_atomically(stored, content)
    return stored
