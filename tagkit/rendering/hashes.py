"""Hashes of files, remembered by path, size and time of change."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from tagkit.data import cache_folder, write_atomically
from tagkit.errors import UserError
from tagkit.infotext.hashes import sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class _Known(msgspec.Struct, frozen=True, array_like=True):
    size: int
    changed: int
    digest: str


class FileHashes:
    """Hashes of files. A cache that cannot be read or written costs time, never a result."""

    def __init__(self) -> None:
        self._file = cache_folder() / "hashes.json"
        self._known: dict[str, _Known] = {}
        with suppress(OSError, msgspec.DecodeError):
            self._known = msgspec.json.decode(self._file.read_bytes(), type=dict[str, _Known])

    def of(self, path: Path, work_out: Callable[[Path], str] = sha256) -> str:
        """The file's SHA-256 in hexadecimal, or what `work_out` makes of it.

        Raises UserError if it cannot be read.
        """
        try:
            status, key = path.stat(), str(path.resolve())
            if work_out is not sha256:
                key = f"{work_out.__name__} {key}"
            known = self._known.get(key)
            if known and (known.size, known.changed) == (status.st_size, status.st_mtime_ns):
                return known.digest
            digest = work_out(path)
        except OSError as error:
            raise UserError(f"cannot read `{path}`", error.strerror or str(error)) from error
        self._known[key] = _Known(status.st_size, status.st_mtime_ns, digest)
        with suppress(OSError):
            write_atomically(self._file, msgspec.json.encode(self._known))
        return digest
