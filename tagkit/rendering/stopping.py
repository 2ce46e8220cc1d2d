"""Being asked to stop: once, and what is being drawn is finished; twice, and it ends now."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stop:
    """Whether a run has been asked to stop."""

    def __init__(self) -> None:
        self.asked = False
        self._drawing = False

    def ask(self) -> bool:
        """Asks for it; whether something is finished first.

        Raises KeyboardInterrupt where nothing is being drawn, or if it was asked for before. May
        be called from a signal handler.
        """
        if self.asked or not self._drawing:
            self.asked = True
            raise KeyboardInterrupt
        self.asked = True
        return True

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """What stands inside is finished first. Raises KeyboardInterrupt behind it if asked."""
        if self.asked:
            raise KeyboardInterrupt
        self._drawing = True
        try:
            yield
        finally:
            self._drawing = False
        if self.asked:
            raise KeyboardInterrupt
