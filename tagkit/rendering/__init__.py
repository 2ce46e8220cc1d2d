"""Rendering: job files planned, rendered and kept in a folder that survives every stop."""

from __future__ import annotations

from tagkit.rendering.job import Job
from tagkit.rendering.loading import Means
from tagkit.rendering.manifest_file import is_output
from tagkit.rendering.session import Order, Summary, plan, planned, render, render_order

__all__ = [
    "Job",
    "Means",
    "Order",
    "Summary",
    "is_output",
    "plan",
    "planned",
    "render",
    "render_order",
]
