"""Lint after every keystroke: in process, all rules, with fixes.

    python benchmarks/lint_keystroke.py

Two prompts of 64 CLIP tokens: plain tags, and the same with weights, brackets and a LoRA.
"""

from __future__ import annotations

import statistics
import time

from tagkit.cards import image_card
from tagkit.documents import parse_record
from tagkit.linting import Linter
from tagkit.packs import shipped_rules

PROMPTS = {
    "plain tags": (
        "1girl, solo, long hair, blue hair, blue eyes, halo, smile, school uniform, serafuku, "
        "pleated skirt, white shirt, red neckerchief, thighhighs, looking at viewer, hair ribbon, "
        "sitting, window, curtains, afternoon, from side, upper body, best quality"
    ),
    "weights": (
        "1girl, solo, long hair, (blue hair:1.2), blue eyes, halo, ((smile)), school uniform, "
        "serafuku, [pleated skirt], white shirt, red neckerchief, thighhighs, (looking at viewer, "
        "hair ribbon:1.1), sitting, window, curtains, afternoon, from side, upper body, "
        "(best quality:1.1), <lora:celluloid:0.8>"
    ),
}
WARM_UP = 5


def typed(prompt: str) -> list[float]:
    """How long a lint takes, in ms, with a letter typed at each place in turn; sorted."""
    linter = Linter(image_card("baxl-v3"), shipped_rules())
    times = []
    for at in range(len(prompt)):
        text = f"{prompt[:at]}x{prompt[at:]}"
        start = time.perf_counter()
        linter.lint(parse_record(text))
        times.append((time.perf_counter() - start) * 1e3)
    return sorted(times[WARM_UP:])


def main() -> None:
    """Prints how long a lint takes."""
    for name, prompt in PROMPTS.items():
        times = typed(prompt)
        late = times[int(len(times) * 0.95)]
        print(
            f"{name}: {len(times)} keystrokes, median {statistics.median(times):.2f} ms, "
            f"95 % {late:.2f} ms"
        )


main()
