"""Tensors that are worked out once and then read from files, a few hundred to a file.

Files are named by a digest of what decides their content, so what was worked out for something
else is never taken, and a stopped run goes on with the file that it was at.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open

from tagkit.training.files import save_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from torch import Tensor

    Tensors = dict[str, Tensor]

_EACH = 256
_OPEN_FILES = 256


class Shards:
    """`count` items, each a few tensors by name. folder: of their files."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._open = lru_cache(_OPEN_FILES)(self._opened)

    def fill(
        self, make: Callable[[range], Iterator[Tensors]], told: Callable[[int, int], None]
    ) -> None:
        """Works out what is not there. make: the items of numbers, in order. told: hears how many
        there are, and of how many.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for start in range(0, self._count, _EACH):
            end = min(start + _EACH, self._count)
            if not self._is_whole(start):
                items: Tensors = {}
                numbers = range(start, end)
                for index, item in zip(numbers, make(numbers), strict=True):
                    items |= {f"{index}.{name}": each for name, each in item.items()}
                    told(index + 1, self._count)
                save_tensors(items, self._file(start))
            else:
                told(end, self._count)

    def __getitem__(self, index: int) -> Tensors:
        """The tensors of one item, on the CPU."""
        file, names = self._open(index // _EACH * _EACH)
        return {name: file.get_tensor(f"{index}.{name}") for name in names[index]}

    def _opened(self, start: int) -> tuple[Any, dict[int, list[str]]]:
        file = safe_open(str(self._file(start)), framework="pt")
        names: dict[int, list[str]] = {}
        for key in file.keys():  # type: ignore[no-untyped-call]  # noqa: SIM118
            number, _, name = key.partition(".")
            names.setdefault(int(number), []).append(name)
        return file, names

    def _is_whole(self, start: int) -> bool:
        try:
            return self._file(start).is_file() and bool(self._opened(start)[1])
        except SafetensorError:
            return False

    def _file(self, start: int) -> Path:
        return self._folder / f"{start:06}.safetensors"


def digest_of(parts: Iterable[object]) -> str:
    """Sixteen digits that stand for what decides a cache's content."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part}\n".encode())
    return digest.hexdigest()[:16]


def network_digest(network: Any) -> str:
    """Stands for the weights of a network."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
