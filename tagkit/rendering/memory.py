"""Running out of memory, said one way."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


@contextmanager
def memory_errors() -> Iterator[None]:
    """Every library's way of saying so becomes a MemoryError."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.cuda.OutOfMemoryError) or any(
            words in str(error) for words in _OUT_OF_MEMORY
        ):
            torch.cuda.empty_cache()
            raise MemoryError(str(error)) from error
        raise
