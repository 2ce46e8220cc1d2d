"""Optional parts of tagkit: asked for before they are imported."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FETCHING = "kernels"


def need(extra: str, *modules: str) -> None:
    """Raises UserError with the install line if one of `modules` is not installed.

    Called before they are imported, so it also asks OpenMP's threads to sleep while they wait:
    on a busy machine threads that spin take the cores from one another, and a small model on a
    CPU was seen to take fifteen times as long. bitsandbytes, which other libraries import where it
    is installed, is told to keep its advice to itself.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UserError(
            f"this needs packages that are not installed: {', '.join(missing)}",
            "",
            f"pip install 'tagkit-prompts[{extra}]' (from a checkout: pip install '.[{extra}]')",
        )


@contextmanager
def without_kernels() -> Iterator[None]:
    """Hides the package `kernels`, which fetches code from a hub, from whoever imports it here.

    bitsandbytes does on some processors, and other libraries import that unasked.
    """
    held = sys.modules.get(_FETCHING)
    sys.modules[_FETCHING] = None  # type: ignore[assignment]  # so that its import fails
    try:
        yield
    finally:
        # Another rendering that ends meanwhile may have brought it back already.
        if sys.modules.get(_FETCHING) is None:
            sys.modules.pop(_FETCHING, None)
        if held:
            sys.modules[_FETCHING] = held
