"""Plan of many jobs with distinct prompts, as `tagkit render --dry-run` makes it; no torch.

    python benchmarks/plan.py [JOBS]

The prompts are drawn from tagkit's own tag tables with a fixed seed. Timed as a process: start,
reading, variants, rules, fixes, exact counts, ids, JSON out. Beside it the same number of jobs
from few prompts with many seeds each. CPU seconds are told, too: other processes take from the
wall clock.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tagkit.linting import shipped_lexicon

GROUPS = (
    "hair_color hair_length hair_style eye_color expression headwear upper_wear lower_wear legwear "
    "pose view background accessories held_objects weather_light gaze footwear neckwear"
).split()
HEAD = "version: 1\nmodel: baxl-v3\ndefaults: {hires: card, detailer: card, "


def prompts(count: int) -> list[str]:
    """Distinct prompts of 12 to 24 tags, each with two variants."""
    draw = random.Random(1)
    lexicon = shipped_lexicon()
    tags = [name for group in GROUPS for name in lexicon.members(group) if "(" not in name]
    drawn = (draw.sample(tags, draw.randint(10, 22)) for _ in range(count))
    return [", ".join(["1girl", "{solo|smile}", *tags, f"n{i}"]) for i, tags in enumerate(drawn)]


def main() -> None:
    """Times both and prints jobs a second."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    few = max(1, count // 100)
    for name, distinct, seeds in (("distinct prompts", count, 1), ("100 seeds each", few, 100)):
        wall, cpu = plan_seconds(prompts(distinct), seeds)
        jobs = distinct * seeds
        print(f"{jobs} jobs, {name:17} {wall:6.2f} s, CPU {cpu:6.2f} s: {jobs / cpu:6.0f} a second")


def plan_seconds(texts: list[str], seeds: int) -> tuple[float, float]:
    """Wall and CPU time of `tagkit render FILE --dry-run --format json`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jobs.yaml"
        lines = "".join(f'  - "{text}"\n' for text in texts)
        path.write_text(f"{HEAD}count: {seeds}}}\nprompts:\n{lines}", encoding="utf-8")
        command = [sys.executable, "-m", "tagkit", "render", str(path), "--dry-run"]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([*command, "--format", "json"], check=True, capture_output=True)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


main()
