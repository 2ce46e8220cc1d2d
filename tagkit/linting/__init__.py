"""The rule engine: prompts judged by rules, and fixed."""

from __future__ import annotations

from tagkit.linting.classify import group_of, order_rank, shipped_lexicon
from tagkit.linting.diagnostics import Diagnostic, Edit, Fix
from tagkit.linting.linter import Linter, Report, Texts, lint

__all__ = [
    "Diagnostic",
    "Edit",
    "Fix",
    "Linter",
    "Report",
    "Texts",
    "group_of",
    "lint",
    "order_rank",
    "shipped_lexicon",
]
