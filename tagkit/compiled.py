"""Typed YAML files kept as one binary in the cache, so that a cold start parses no YAML."""

from __future__ import annotations

import hashlib
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
    digest = hashlib.blake2b(f"{version} {type_}".encode(), digest_size=16)
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    stored = cache_folder() / "compiled" / f"{digest.hexdigest()}.msgpack"
    with suppress(OSError, msgspec.DecodeError):
        return msgspec.msgpack.decode(stored.read_bytes(), type=type_)
    value = make()
    with suppress(OSError):
        write_atomically(stored, msgspec.msgpack.encode(value))
    return value
