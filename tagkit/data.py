"""Where tagkit's own data lies, and where it may keep what it can make again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# The image card of a prompt for which nobody names one: the first checkpoint that tagkit served.
DEFAULT_CARD = "baxl-v3"


def data_folder(name: str) -> Path:
    """The folder `rules` or `models`: inside an installed package, else beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / name
    return installed if installed.is_dir() else package.parent / name


def cache_folder() -> Path:
    """Folder for what can be made again: `TAGKIT_CACHE`, else the platform's own cache folder."""
    if chosen := os.environ.get("TAGKIT_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "tagkit" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tagkit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tagkit"


def user_folder() -> Path:
    """Folder for what the user gave to keep: `TAGKIT_DATA`, else the platform's data folder."""
    if chosen := os.environ.get("TAGKIT_DATA"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "tagkit"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "tagkit"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tagkit"


def write_atomically(path: Path, content: bytes) -> None:
    """Readers see the old file or the new one, never a half; OSError when it cannot be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
