"""Lint of a prompt of 64 CLIP tokens after every keystroke: in process, all rules, with fixes.

python benchmarks/lint_keystroke.py
"""

from __future__ import annotations

import statistics
import time

from tagkit.cards import image_card
from tagkit.documents import parse_record
from tagkit.linting import Linter
from tagkit.packs import shipped_rules

PROMPT = (
    "1girl, solo, long hair, blue hair, blue eyes, halo, smile, school uniform, serafuku, "
    "pleated skirt, white shirt, red neckerchief, thighhighs, looking at viewer, hair ribbon, "
    "sitting, window, curtains, afternoon, from side, upper body, best quality"
)
WARM_UP = 5


def main() -> None:
    """Types a letter at each place in turn and prints how long a lint takes."""
    linter = Linter(image_card("baxl-v3"), shipped_rules())
    texts = [f"{PROMPT[:at]}x{PROMPT[at:]}" for at in range(len(PROMPT))]
    times = []
    for text in texts:
        start = time.perf_counter()
        linter.lint(parse_record(text))
        times.append((time.perf_counter() - start) * 1e3)
    times = sorted(times[WARM_UP:])
    late = times[int(len(times) * 0.95)]
    print(f"{len(times)} keystrokes: median {statistics.median(times):.2f} ms, 95 % {late:.2f} ms")


main()
