"""Safetensors files of zeros, written without torch."""

from __future__ import annotations

import math

import msgspec


def safetensors(metadata=None, **shapes):
    """A file of zeros of these shapes; dots in names are written as `__`."""
    entries, end = {}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        offsets = [end, end + size]
        entries[name.replace("__", ".")] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
        end += size
    if metadata:
        entries["__metadata__"] = metadata
    header = msgspec.json.encode(entries)
    return len(header).to_bytes(8, "little") + header + bytes(end)


def inversion(vectors):
    """A textual inversion for the tiny model."""
    return safetensors(clip_l=(vectors, 24), clip_g=(vectors, 40))
