"""Lint of many distinct prompts, next to `tokenizers.encode_batch` alone on the same texts.

    python benchmarks/lint_many.py [PROMPTS] [TAGS.csv]

They are linted as prompts, as captions of training pictures (`--captions`), all in one file, and as
captions in a file each, as trainers have them.

The prompts are drawn with a fixed seed, popular tags more often, from a tag list in the form of
A1111's tag autocomplete (`name,category,count,aliases`), or else evenly from tagkit's own tables.
`tagkit lint` is timed as a process: start, reading, all rules, exact counts, JSON out.
`encode_batch` is timed in process, tokenizer already built. Both may use all cores; processor time
tells what they do on one. The peak of memory is that of one process.
"""

from __future__ import annotations

import csv
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
# In a small process of its own: what a process peaks at counts what its parent held at its start.
RUNNER = """
import resource, subprocess, sys, time
start = time.perf_counter()
command = [sys.argv[1], "-m", "tagkit", "lint", *sys.argv[2:], "--output-format", "json"]
subprocess.run(command, stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
GENERAL = "0"
LEAST_POSTS = 2000
FLATTENED = 0.7


def weighted_tags(path: Path | None) -> dict[str, float]:
    """General tags with how often to draw them."""
    if path is None:
        lexicon = shipped_lexicon()
        return {name: 1.0 for group in GROUPS for name in lexicon.members(group)}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row[0].replace("_", " "), row[1], int(row[2])) for row in csv.reader(file)]
    return {
        name: posts**FLATTENED
        for name, category, posts in rows
        if category == GENERAL and posts > LEAST_POSTS and not name.endswith(("girls", "boys"))
    }


def prompts(count: int, tags: dict[str, float]) -> list[str]:
    """Distinct prompts of some 12 to 24 tags."""
    draw = random.Random(1)
    names, weights = zip(*((n, w) for n, w in tags.items() if "(" not in n), strict=True)
    found: dict[str, None] = {}
    while len(found) < count:
        chosen = draw.choices(names, weights, k=draw.randint(12, 24))
        found[", ".join(dict.fromkeys(["1girl", *chosen]))] = None
    return list(found)


def main() -> None:
    """Times both and prints prompts a second and the ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    texts = prompts(count, weighted_tags(Path(sys.argv[2]) if len(sys.argv) > 2 else None))
    page = ["\n".join(texts) + "\n"]
    lint = lint_seconds(page, "--prompts")
    captions = lint_seconds(page, "--captions")
    files = lint_seconds(texts, "--captions")
    tokenizer = load_tokenizer()
    start, work = time.perf_counter(), time.process_time()
    tokenizer.encode_batch(texts)
    batch, batch_work = time.perf_counter() - start, time.process_time() - work
    print(f"{count} prompts, {sum(map(len, texts)) / count:.0f} characters each")
    for name, seconds, processor in (
        ("tagkit lint", *lint[:2]),
        ("tagkit lint --captions", *captions[:2]),
        ("the same, a file each", *files[:2]),
        (f"encode_batch, {os.cpu_count()} cores", batch, batch_work),
    ):
        rate, each = count / seconds, processor / count * 1e6
        print(f"{name:24} {seconds:6.2f} s {rate:8.0f} a second {each:5.0f} us of processor each")
    for name, (seconds, processor, memory) in (
        ("lint", lint),
        ("lint --captions", captions),
        ("lint --captions, a file each", files),
    ):
        print(f"prompts a second, {name} / encode_batch: {batch / seconds:.2f}")
        print(f"the same for processor time: {batch_work / processor:.2f}")
        print(f"peak memory of a {name} process: {memory:.0f} MB")


def lint_seconds(files: list[str], kind: str) -> tuple[float, float, float]:
    """Wall and processor time of `tagkit lint FOLDER --output-format json`, and its memory in MB.

    files: their contents. kind: the option that says what they hold.
    """
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(files):
            (Path(folder) / f"{number}.txt").write_text(content, encoding="utf-8")
        command = [sys.executable, "-c", RUNNER, sys.executable, folder, kind]
        measured = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, work, memory = map(float, measured.split())
    return seconds, work, memory


main()
