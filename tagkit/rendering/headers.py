"""Safetensors headers: the names and shapes of a file's tensors, read without its tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# A file begins with the length of its JSON header, eight bytes, lowest first.
_LENGTH_BYTES = 8
_MOST_HEADER = 100_000_000


class _Entry(msgspec.Struct, frozen=True):
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


class Header(NamedTuple):
    """shapes: of every tensor, by name. metadata: what its maker wrote beside them."""

    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]


def read_header(path: Path) -> Header:
    """The header of a safetensors file. Raises UserError for one that is none or cut short."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            raw = file.read(min(length, _MOST_HEADER))
    except OSError as error:
        raise UserError(f"cannot read `{path}`", error.strerror or str(error)) from error
    try:
        said = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        metadata = msgspec.json.decode(said.pop("__metadata__", b"{}"), type=dict[str, str])
        entries = {name: msgspec.json.decode(each, type=_Entry) for name, each in said.items()}
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserError(f"`{path}` is no safetensors file") from error
    end = max((entry.data_offsets[1] for entry in entries.values()), default=0)
    missing = _LENGTH_BYTES + length + end - size
    if missing > 0:
        hint = "download it again"
        raise UserError(f"`{path}` is cut short: {missing:,} bytes are missing", "", hint)
    return Header({name: entry.shape for name, entry in entries.items()}, metadata)
