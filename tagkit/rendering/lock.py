"""One process a folder: a file lock that the system lets go of when its process ends."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Windows locks bytes, and none may read them meanwhile: one far behind the text is locked.
_BYTE = 1 << 20


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Holds `folder`. Raises UserError that says which process holds it already."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        try:
            _lock(file)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            hint = "wait until it has finished, or choose another folder with -o"
            what = f"another tagkit writes into `{folder.parent}`"
            raise UserError(what, f"process {holder}", hint) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
