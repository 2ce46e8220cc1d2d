"""A batch of small pictures, killed at random moments again and again, then left to finish.

    python benchmarks/kills.py [PICTURES] [KILLS] [WORKERS]

Each time all processes of the run are ended by SIGKILL, at a moment drawn between its start and
some pictures later. Told: how many pictures there are, whether each is whole, how many of those
that were noted as done were written again, and how many were drawn in vain.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

import tagkit
from tagkit.rendering.manifest import open_manifest
from tagkit.rendering.manifest_file import is_output

JOBS = """\
version: 1
model: tiny
defaults: {{size: 64x64, steps: 20, seed: 1, count: {count}}}
prompts: ["1girl, smile", "1girl, blue hair", "1girl, red hair, halo", "1girl, cat ears"]
"""


def main() -> None:
    """Kills, finishes, counts."""
    pictures, kills, workers = (*map(int, sys.argv[1:]), *(200, 20, 1)[len(sys.argv) - 1 :])
    draw = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        job, out = Path(folder) / "jobs.yaml", Path(folder) / "out"
        job.write_text(JOBS.format(count=pictures // 4), encoding="utf-8")
        command = [sys.executable, "-m", "tagkit", "render", str(job), "-o", str(out)]
        command += ["--workers", str(workers)]
        stamps: dict[str, int] = {}
        again = drawing = 0
        for _ in range(kills):
            kill(command, out, draw, pictures // kills)
            drawing += count(out, "leased")
            again += sum(changed(out, stamps))
            stamps = {name: (out / name).stat().st_mtime_ns for name in done(out)}
        subprocess.run(command, check=True, capture_output=True)
        again += sum(changed(out, stamps))
        report(out, kills, drawing, again)


def kill(command: list[str], out: Path, draw: random.Random, most: int) -> None:
    """Starts a run and ends it, sooner or later."""
    before = len(list(out.glob("*.png")))
    wanted, pause = before + draw.randrange(most), draw.random() * draw.choice((0.05, 0.2, 1))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, start_new_session=True, **quiet) as process:
        while process.poll() is None and len(list(out.glob("*.png"))) < wanted:
            time.sleep(0.005)
        time.sleep(pause)
        assert process.poll() is None, "it ended before it could be killed"
        os.killpg(process.pid, signal.SIGKILL)


def count(out: Path, state: str) -> int:
    """Jobs in a state, as the manifest has them."""
    if not is_output(out):
        return 0
    with open_manifest(out) as manifest:
        return sum(row.state == state for row in manifest.rows())


def done(out: Path) -> list[str]:
    """The pictures that are noted as done."""
    if not is_output(out):
        return []
    with open_manifest(out) as manifest:
        return [row.job.file for row in manifest.rows() if row.state == "done"]


def changed(out: Path, stamps: dict[str, int]) -> list[bool]:
    """Of each picture that was done, whether it was written again."""
    return [(out / name).stat().st_mtime_ns != stamp for name, stamp in stamps.items()]


def report(out: Path, kills: int, drawing: int, again: int) -> None:
    """Prints what came of it."""
    files = sorted(out.glob("*.png"))
    for path in files:
        with Image.open(path) as image:
            image.load()
        assert tagkit.read_image(path).settings["Steps"] == "20"
    with open_manifest(out) as manifest:
        counts = manifest.counts()
    left = [*out.rglob("*.tmp")]
    print(f"killed {kills} times; {drawing} pictures were being drawn then")
    print(f"{counts.total} jobs: {counts.done} done, {counts.failed} failed")
    print(f"{len(files)} files, all whole; {len(left)} unfinished ones left")
    print(f"{again} finished pictures written again")


main()
