"""Fine-tuning by recipe: pictures and captions in, weights out.

Everything but the modules that import torch is pure: recipe, pictures, buckets, captions, batches,
rates, plan. `session` opens the others when training begins.
"""

from __future__ import annotations

from tagkit.training.plan import Plan
from tagkit.training.session import (
    QUIET,
    Summary,
    Surroundings,
    is_first_process,
    open_libraries,
    output_of,
    planned,
    train,
)

__all__ = [
    "QUIET",
    "Plan",
    "Summary",
    "Surroundings",
    "is_first_process",
    "open_libraries",
    "output_of",
    "planned",
    "train",
]
