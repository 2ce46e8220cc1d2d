"""Disks that take nothing more: no fault of any picture, and the end of a run."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from tagkit.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
_BROKEN = (errno.EROFS, errno.EIO, errno.ENODEV)


def of_disk(error: BaseException, folder: Path) -> UserError | None:
    """What to say of an error that every later picture would meet as well; else None."""
    code = error.errno if isinstance(error, OSError) else None
    if code in _FULL:
        return disk_full(folder)
    if code in _BROKEN:
        return UserError(f"cannot write into `{folder}` any more", str(error))
    return None


def disk_full(folder: Path) -> UserError:
    """There is no room left; nothing that was done is lost."""
    hint = "make room; the same command goes on from here"
    return UserError(f"the disk is full: `{folder}`", "", hint)
