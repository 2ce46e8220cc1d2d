"""Text files kept as one binary in the cache, so that a cold start parses none of them."""

from __future__ import annotations

import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tagkit.data import cache_folder, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")


def compiled(paths: Sequence[Path], type_: type[T], make: Callable[[], T], version: str) -> T:
    """`make()`, remembered by the content of the files `paths` and by `version` of the code.

    A cache that cannot be read or written costs time, never a result.
    """
    content = [f"{version} {type_}".encode()]
    for path in paths:
        content += [path.name.encode(), path.read_bytes()]
    stored = cache_folder() / "compiled" / f"{_key(content)}.msgpack"
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.msgpack.decode(stored.read_bytes(), type=type_)
    value = make()
    with suppress(OSError):
        write_atomically(stored, msgspec.msgpack.encode(value))
    return value


def _key(content: Sequence[bytes]) -> str:
    """Tells contents apart that people write; a stronger hash takes longer to import than this.

    Every part has its length in the sum, so that none can pass for the end of another.
    """
    total = 0
    for part in content:
        total = zlib.crc32(part, zlib.crc32(b"%d" % len(part), total))
    return f"{sum(map(len, content)):x}-{total:08x}"
