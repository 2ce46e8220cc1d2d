"""Ctrl-C and polite requests to end, for commands that draw."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tagkit.rendering.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WORDS = b"\nfinishing what is being drawn; again stops at once\n"


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Once: what is being drawn is finished; twice: now. Both raise KeyboardInterrupt."""
    stop = Stop()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.ask():
            # A write through Python's streams may not break into another one.
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _WORDS)

    before = [signal.signal(number, ask) for number in _SIGNALS]
    try:
        yield stop
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
