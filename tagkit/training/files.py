"""Files that are there as a whole or not at all, whatever stops their writing."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import save_file

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

_READ_AND_WRITE = 0o666


def save_tensors(
    tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """A safetensors file. Raises UserError where it cannot be written, as on a full disk."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            whole = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
            save_file(whole, temporary, {"format": "pt", **(metadata or {})})
            settle(temporary)
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to write into that takes its place, and that of an older one, when all is written.

    Raises UserError where it cannot be written; the older one is kept then.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    older = path.with_name(f".{path.name}.{os.getpid()}.old")
    try:
        with writing(path):
            temporary.mkdir(parents=True)
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    settle(file)
            if path.exists():
                path.rename(older)
            temporary.rename(path)
    finally:
        if older.exists() and not path.exists():
            older.rename(path)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(older, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system and safetensors say of a file that cannot be written, as one UserError."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        hint = "make room and start again: training goes on from the last checkpoint"
        raise UserError(f"cannot write `{path}`", reason, hint) from error


def settle(path: Path) -> None:
    """The file is on the disk, for all who may read its folder.

    safetensors lets nobody but the owner read what it writes.
    """
    path.chmod(path.parent.stat().st_mode & _READ_AND_WRITE)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
