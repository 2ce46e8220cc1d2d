"""Many pictures of one prompt or of several: `tagkit.render` next to loops written by hand.

    python benchmarks/render_batches.py [IMAGES] [--prompts 1] [--batch 8] [--rounds 3] [--steps N]
                                        [--model tiny] [--checkpoint FILE] [--device cpu]

Size, steps, CFG and sampler are those of the card. All contestants write PNG files; tagkit also
plans, keeps its manifest, writes each picture's recipe and a gallery. What happens once (loading,
plan, the first batch) is told apart from what each further picture costs. They take turns in one
process. On a CPU processor time is counted, one thread, since other processes take from the wall
clock.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import by_hand
import msgspec
import numpy as np
import torch
from PIL import Image

from tagkit.rendering import Means, Order, plan, render_order
from tagkit.rendering.events import Done
from tagkit.rendering.pipeline import find_device, find_dtype

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tagkit.rendering.events import Event

PROMPT = "1girl, solo, {hair} hair, long hair, blue eyes, smile, school uniform, halo, upper body"
HAIR = "blue red green black white grey pink purple brown blonde orange aqua".split()


class Task(NamedTuple):
    """What all contestants draw. clock: seconds of what is counted."""

    recipes: Sequence[by_hand.Recipe]
    batch: int
    model: str
    checkpoint: str
    device: torch.device
    file: Path
    clock: Callable[[], float]


class Cost(NamedTuple):
    """Seconds until the first batch is done, and for each further picture."""

    once: float
    each: float


def main() -> None:
    """Lets them take turns and prints what each picture costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=int, nargs="?", default=64)
    parser.add_argument("--prompts", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--checkpoint", default="")
    parser.add_argument("--device", default="cpu")
    said = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        task = task_of(said, Path(folder))
        costs: dict[str, list[Cost]] = {name: [] for name in CONTESTANTS}
        for turn in range(said.rounds):
            for name, contestant in CONTESTANTS.items():
                costs[name].append(contestant(task, Path(folder) / f"{name}-{turn}"))
        report(costs)
        one, other = (pictures(Path(folder) / f"{name}-0") for name in ("tagkit", "batches"))
        print(f"pictures differ by at most {np.abs(one - other).max()} of 255")


def task_of(said: argparse.Namespace, folder: Path) -> Task:
    """Written as a job file; the recipes are what its plan says."""
    prompts = [
        PROMPT.replace("{hair}", HAIR[place % len(HAIR)]) + f", {place + 1} flowers"
        for place in range(said.prompts)
    ]
    fields = {"count": said.images // said.prompts, "hires": "off", "detailer": "off"}
    if said.steps:
        fields["steps"] = said.steps
    content = {"version": 1, "model": said.model, "defaults": fields, "prompts": prompts}
    file = folder / "jobs.json"
    file.write_bytes(msgspec.json.encode(content))
    recipes = [by_hand.Recipe.of(job) for job in plan(file, checkpoint=said.checkpoint)]
    device = find_device(said.device)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    return Task(recipes, said.batch, said.model, said.checkpoint, device, file, clock)


def with_tagkit(task: Task, output: Path) -> Cost:
    """From the job file to the gallery."""
    done: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, Done):
            done.append(task.clock())

    began = task.clock()
    means = Means(str(task.device), batch_size=task.batch)
    render_order(Order((task.file,), checkpoint=task.checkpoint), output, means, watch=watch)
    return cost(task, began, done[task.batch - 1])


def in_batches(task: Task, output: Path) -> Cost:
    """As many at once as tagkit draws, each prompt's seeds together."""
    return looped(task, output, task.batch)


def one_by_one(task: Task, output: Path) -> Cost:
    """The same loop without batches."""
    return looped(task, output, 1)


def looped(task: Task, output: Path, batch: int) -> Cost:
    """Words are read once."""
    began, pipeline = task.clock(), loaded(task, output)
    loop, words, first, place = by_hand.ByHand(pipeline), {}, 0.0, 0
    for recipes in by_hand.alike(task.recipes, batch):
        one = recipes[0]
        words[one.prompt] = words.get(one.prompt) or loop.read(one)
        for picture in loop.draw(recipes, words[one.prompt]):
            picture.save(output / f"{place:05}.png")
            place += 1
        if not first and place >= task.batch:
            first, early = task.clock(), place
    return Cost(first - began, (task.clock() - first) / (place - early))


def naive(task: Task, output: Path) -> Cost:
    """As most scripts do it: diffusers' pipeline is called with the words of each picture."""
    began, pipeline, first = task.clock(), loaded(task, output), 0.0
    for place, recipe in enumerate(task.recipes):
        by_hand.called(pipeline, recipe).save(output / f"{place:05}.png")
        if place == task.batch - 1:
            first = task.clock()
    return cost(task, began, first)


def loaded(task: Task, output: Path) -> object:
    """diffusers' pipeline; `output` is made."""
    output.mkdir()
    model = by_hand.load(task.model, task.checkpoint)
    dtype = find_dtype("auto", task.device)
    return by_hand.pipeline_of(model, task.recipes[0], task.device, dtype)


def cost(task: Task, began: float, first: float) -> Cost:
    """first: when a batch of pictures was done."""
    return Cost(first - began, (task.clock() - first) / (len(task.recipes) - task.batch))


def report(costs: dict[str, list[Cost]]) -> None:
    """Medians, and the median of the ratios of each round."""
    for name, rounds in costs.items():
        each = statistics.median(one.each for one in rounds) * 1000
        once = statistics.median(one.once for one in rounds)
        ratios = [one.each / its.each for one, its in zip(rounds, costs["batches"], strict=True)]
        ratio = statistics.median(ratios)
        print(f"{name:12} {each:8.1f} ms a picture, {ratio:5.3f} of `batches`; first {once:.2f} s")


def pictures(folder: Path) -> np.ndarray:
    """All of them, in their order."""
    files = sorted(folder.glob("*.png"))
    return np.stack([np.asarray(Image.open(file)).astype(int) for file in files])


CONTESTANTS: dict[str, Callable[[Task, Path], Cost]] = {
    "tagkit": with_tagkit,
    "batches": in_batches,
    "one by one": one_by_one,
    "naive": naive,
}

if __name__ == "__main__":
    main()
