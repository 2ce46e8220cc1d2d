"""Optional parts of tagkit: asked for before they are imported."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec

from tagkit.errors import UserError


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
