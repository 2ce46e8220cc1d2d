"""Lint of many distinct prompts, next to `tokenizers.encode_batch` alone on the same texts.

    python benchmarks/lint_many.py [PROMPTS]

The prompts are drawn from tagkit's own tag tables with a fixed seed. `tagkit lint` is timed as a
process: start, reading, all rules, exact counts, JSON out. `encode_batch` is timed in process,
tokenizer already built, on as many threads as the machine has, and again on one.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tagkit.clip.tokenizer import load_tokenizer
from tagkit.linting import shipped_lexicon

GROUPS = (
    "hair_color hair_length hair_style eye_color expression headwear upper_wear lower_wear legwear "
    "pose view background accessories held_objects weather_light gaze footwear neckwear"
).split()


def prompts(count: int) -> list[str]:
    """Distinct prompts of 12 to 24 tags."""
    draw = random.Random(1)
    lexicon = shipped_lexicon()
    tags = [name for group in GROUPS for name in lexicon.members(group) if "(" not in name]
    found: dict[str, None] = {}
    while len(found) < count:
        chosen = draw.sample(tags, draw.randint(10, 22))
        found[", ".join(["1girl", "solo", *chosen])] = None
    return list(found)


def main() -> None:
    """Times both and prints prompts a second and the ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    texts = prompts(count)
    lint = lint_seconds(texts)
    tokenizer = load_tokenizer()
    start = time.perf_counter()
    tokenizer.encode_batch(texts)
    batch = time.perf_counter() - start
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    start = time.perf_counter()
    tokenizer.encode_batch(texts)
    alone = time.perf_counter() - start
    print(f"{count} prompts, {sum(map(len, texts)) / count:.0f} characters each")
    for name, seconds in (
        ("tagkit lint, one process", lint),
        (f"encode_batch, {os.cpu_count()} cores", batch),
        ("encode_batch, one core", alone),
    ):
        print(f"{name:28} {seconds:6.2f} s   {count / seconds:8.0f} prompts a second")
    print(f"lint / encode_batch: {batch / lint:.2f}; on one core each: {alone / lint:.2f}")


def lint_seconds(texts: list[str]) -> float:
    """Wall time of `tagkit lint FILE --output-format json`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prompts.txt"
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "tagkit", "lint", str(path), "--output-format", "json"]
        start = time.perf_counter()
        subprocess.run([*command, "--exit-zero"], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


main()
