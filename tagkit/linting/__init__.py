"""The rule engine: prompts judged by rules, and fixed."""

from __future__ import annotations

from tagkit.lexicon import shipped_lexicon
from tagkit.linting.classify import Knowledge, order_rank
from tagkit.linting.diagnostics import Diagnostic, Edit, Fix
from tagkit.linting.linter import Linter, Report, Texts, lint

__all__ = [
    "Diagnostic",
    "Edit",
    "Fix",
    "Knowledge",
    "Linter",
    "Report",
    "Texts",
    "lint",
    "order_rank",
    "shipped_lexicon",
]
