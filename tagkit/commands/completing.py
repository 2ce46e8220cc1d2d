"""Joins rendering and expansion, which do not know one another: prompts completed for jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.rendering.planning import Completion


def complete(requests: Sequence[Completion]) -> list[str]:
    """Completed prompts, in order. Raises UserError where there is no tag model."""

    raise NotImplementedError
