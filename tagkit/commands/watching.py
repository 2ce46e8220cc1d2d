"""Doing something again whenever files change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tagkit.commands.inputs import CAPTION_FILES, expanded, is_file
from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Stamps = dict[str, tuple[int, int]]

SECONDS = 0.5


def watch(
    arguments: Sequence[str], act: Callable[[], object], sleep: Callable[[float], None]
) -> None:
    """Calls `act` at once and after every change of the files, and never returns.

    Modification times and sizes are asked for twice a second, which works on every file system.
    Raises UserError where an argument is neither a file nor a folder.
    """
    for argument in arguments:
        if not is_file(argument) and not Path(argument).is_dir():
            raise UserError(f"cannot watch `{argument}`", "", "`--watch` takes files and folders")
    while True:
        # Taken before the act, so that no change that falls into it is missed.
        seen = _stamps(arguments)
        act()
        while _stamps(arguments) == seen:
            sleep(SECONDS)


def _stamps(arguments: Sequence[str]) -> Stamps:
    """Time and size of every file that is there now."""
    stamps: Stamps = {}
    for argument in arguments:
        try:
            for path in expanded([argument], CAPTION_FILES):
                status = Path(path).stat()
                stamps[path] = (status.st_mtime_ns, status.st_size)
        except (OSError, UserError):  # gone, or a folder that is empty for now
            continue
    return stamps
