"""Time to read a prompt against its length and against the depth of its brackets.

    python benchmarks/parse_linear.py

Every row doubles or multiplies the row before; the time for each thousand characters should not
grow with it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import tagkit
from tagkit.prompt.parser import parsed

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = "1girl, (blue hair:1.2), [smile], shiroko \\(blue archive\\), "


def seconds(read: Callable[[], object]) -> float:
    """The least of three runs, nothing remembered."""
    best = float("inf")
    for _ in range(3):
        parsed.cache_clear()
        start = time.perf_counter()
        read()
        best = min(best, time.perf_counter() - start)
    return best


def row(name: str, text: str) -> None:
    """Milliseconds for each thousand characters, for each reader."""
    readers = {
        "parse": lambda: tagkit.parse(text),
        "weighted_text": lambda: tagkit.weighted_text(text),
        "schedule": lambda: tagkit.schedule(text, 20),
        "count_tokens": lambda: tagkit.count_tokens(text),
    }
    cells = [f"{reader} {seconds(read) / len(text) * 1e6:7.3f}" for reader, read in readers.items()]
    print(f"{name:28} {'   '.join(cells)}   ms per 1,000 characters")


def main() -> None:
    """Prints both tables."""
    for length in (1_000, 10_000, 100_000, 1_000_000):
        row(f"{length:,} characters", (PLAIN * (length // len(PLAIN) + 1))[:length])
    for depth in (10, 100, 1_000, 10_000, 100_000):
        row(f"{depth:,} brackets deep", "(" * depth + "a" + ")" * depth)
        row(f"{depth:,} brackets open", "([{" * (depth // 3 + 1))


main()
