"""Memory over a long batch: how the process grows from the 200th picture to the last.

    python benchmarks/render_memory.py [IMAGES] [--steps 2] [--model tiny] [--size 64x64]

Twice, each in a process of its own: many seeds of one prompt, and as many different prompts, so
that what is remembered of texts fills up. Everything is written as always.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import torch

from tagkit.rendering import Means, Order, render_order
from tagkit.rendering.events import Done, Event

SETTLED = 200
KINDS = ("one prompt", "many prompts")


def main() -> None:
    """Both kinds of batch."""
    said = parsed()
    if said.kind:
        measured(said)
        return
    for kind in KINDS:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--kind", kind], check=True)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=int, nargs="?", default=2000)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--size", default="64x64")
    parser.add_argument("--kind", default="", choices=["", *KINDS], help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(said: argparse.Namespace) -> None:
    """Renders one kind and prints how large the process was."""
    torch.set_num_threads(1)
    sizes: list[int] = []

    def watch(event: Event) -> None:
        if isinstance(event, Done):
            sizes.append(resident())

    one = said.kind == KINDS[0]
    fields = {"steps": said.steps, "size": said.size, "count": said.images if one else 1}
    prompts = [f"1girl, {place} flowers" for place in range(1 if one else said.images)]
    content = {"version": 1, "model": said.model, "defaults": fields, "prompts": prompts}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jobs.json"
        file.write_bytes(msgspec.json.encode(content))
        render_order(Order((file,)), Path(folder) / "out", Means("cpu"), watch=watch)
    places = [place for place in (SETTLED, said.images // 2, said.images) if place <= len(sizes)]
    told = ", ".join(f"{sizes[place - 1] / 1024:.0f} MiB at {place:,}" for place in places)
    grown = (sizes[-1] - sizes[min(SETTLED, len(sizes)) - 1]) / 1024
    print(f"{said.kind:12} {told}: grown by {grown:.1f} MiB, {len(sizes):,} pictures")


def resident() -> int:
    """Memory of this process in KiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4


if __name__ == "__main__":
    main()
