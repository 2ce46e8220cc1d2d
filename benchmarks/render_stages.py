"""Finished pictures an hour, stage by stage: first pass, upscaler, hires fix, detailer, saving.

    python benchmarks/render_stages.py [--model tiny] [--checkpoint FILE] [--device auto]
        [--dtype auto] [--images 16] [--batch 0] [--size WxH] [--steps N] [--upscaler NAME]
        [--scale 1.5] [--denoise 0.45] [--detector NAME] [--set speed.KEY=VALUE] [--by-hand]

Pictures go through `tagkit.render` from the job file to the gallery, after one batch that warms
up. What is not said is the card's. Every picture has one face, at a fixed place whatever the
detector finds, so that runs can be compared. `--by-hand` draws the same, evaluation for evaluation,
picture by picture with the pipelines of diffusers.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import by_hand
import msgspec
import torch

from tagkit.rendering import Means, Order, loading, plan, render_order, saving
from tagkit.rendering.detecting import Found
from tagkit.rendering.jobfile import parse_overrides
from tagkit.rendering.pipeline import Pipeline, find_device, find_dtype
from tagkit.rendering.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tagkit.rendering.job import Job

PROMPT = "1girl, solo, blue hair, long hair, blue eyes, smile, school uniform, upper body"
FACE = (0.40, 0.22, 0.60, 0.40)
STAGES = {
    "first pass": "first pass",
    "upscaler": "upscaler",
    "hires fix": "hires fix",
    "detector": "detector",
    "detailer": "detailer",
    "VAE": "VAE, all passes",
    "base kept": "first picture kept",
    "saving": "saving, in a thread of its own",
}


class Stopwatch:
    """Seconds of each stage in the thread that draws, and how often the UNet was asked."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.began = 0.0
        self._device = device

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """What is done within it. A device works behind the program's back, hence is waited for."""
        self._wait()
        start = time.perf_counter()
        self.began = self.began or start
        yield
        self._wait()
        self.seconds[stage] += time.perf_counter() - start

    def wrapped(self, work: Callable[..., Any], stage: Callable[..., str]) -> Callable[..., Any]:
        """`work`, timed as the stage that its arguments belong to."""

        def run(*args: Any, **kwargs: Any) -> Any:
            with self.timing(stage(*args, **kwargs)):
                return work(*args, **kwargs)

        return run

    def _wait(self) -> None:
        if self._device.type == "cuda" and threading.current_thread() is threading.main_thread():
            torch.cuda.synchronize(self._device)


def main() -> None:
    """Warms up, measures, and prints the table."""
    said = parsed()
    device = find_device(said.device)
    if device.type == "cpu":
        torch.set_num_threads(1)
    watch = Stopwatch(device)
    instrument(watch)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rendered(said, place / "warm-up", said.batch or 8)
        watch.seconds.clear()
        watch.began = 0.0
        jobs = rendered(said, place / "timed", said.images)
        whole = (time.perf_counter() - watch.began) / len(jobs)
        report(watch, jobs, whole)
        if said.by_hand:
            alone = by_hand_seconds(said, jobs[: max(2, said.images // 8)])
            print(
                f"by hand, picture by picture: {alone:.3f} s; by tagkit {whole / alone:.3f} of it"
            )
    if device.type == "cuda":
        print(f"at most {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB of the device")


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (
        ("model", "tiny"),
        ("checkpoint", ""),
        ("device", "auto"),
        ("dtype", "auto"),
        ("size", ""),
        ("upscaler", ""),
        ("detector", ""),
    ):
        parser.add_argument(f"--{name}", default=default)
    for name, kind, default in (
        ("images", int, 16),
        ("batch", int, 0),
        ("steps", int, None),
        ("scale", float, 1.5),
        ("denoise", float, 0.45),
    ):
        parser.add_argument(f"--{name}", type=kind, default=default)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--by-hand", action="store_true")
    return parser.parse_args()


def instrument(watch: Stopwatch) -> None:
    """Lets every part of the way be timed, and keeps the model that was loaded."""
    Pipeline.latents = watch.wrapped(Pipeline.latents, lambda *_: "first pass")
    Pipeline.repainted = watch.wrapped(
        Pipeline.repainted, lambda *args: "detailer" if len(args) > 3 else "hires fix"
    )
    Pipeline.encoded = watch.wrapped(Pipeline.encoded, lambda *_: "VAE")
    Pipeline.picture = watch.wrapped(Pipeline.picture, lambda *_: "VAE")
    Tools.keep = watch.wrapped(Tools.keep, lambda *_: "base kept")
    saving.save_picture = watch.wrapped(saving.save_picture, lambda *_: "saving")
    upscaler, detector, load = Tools.upscaler, Tools.detector, loading.Models._load
    models: dict[object, Pipeline] = {}

    def timed_upscaler(tools: Tools, hires: Any) -> Any:
        return watch.wrapped(upscaler(tools, hires), lambda *_: "upscaler")

    def one_face(tools: Tools, settings: Any) -> Any:
        find = watch.wrapped(detector(tools, settings), lambda *_: "detector")

        def find_it(picture: Any, confidence: float) -> list[Found]:
            find(picture, confidence)
            return [face(picture)]

        return find_it

    def load_once(owner: loading.Models, job: Job) -> Pipeline:
        if job.model not in models:
            models[job.model] = load(owner, job)
        return models[job.model]

    Tools.upscaler, Tools.detector, loading.Models._load = timed_upscaler, one_face, load_once


def face(picture: Any) -> Found:
    """The face that every picture is said to have."""
    height, width = picture.shape[:2]
    left, top, right, bottom = FACE
    return Found((left * width, top * height, right * width, bottom * height), 0.9)


def rendered(said: argparse.Namespace, output: Path, count: int) -> list[Job]:
    """Renders so many seeds, and gives their jobs."""
    hires = {"scale": said.scale, "denoise": said.denoise}
    fields: dict[str, object] = {"count": count, "hires": hires, "detailer": "card"}
    if said.upscaler:
        hires["upscaler"] = said.upscaler
    if said.detector:
        fields["detailer"] = [{"detector": said.detector}]
    fields |= {name: value for name in ("size", "steps") if (value := getattr(said, name))}
    file = output.with_suffix(".json")
    content = {"version": 1, "model": said.model, "defaults": fields, "prompts": [PROMPT]}
    file.write_bytes(msgspec.json.encode(content))
    order = Order((file,), parse_overrides(said.set), said.checkpoint)
    render_order(order, output, Means(said.device, said.dtype, said.batch))
    return plan(file, checkpoint=said.checkpoint)


def report(watch: Stopwatch, jobs: list[Job], whole: float) -> None:
    """A line for each stage, then all of it."""
    job = jobs[0]
    assert job.hires is not None
    print(
        f"{len(jobs)} pictures of {job.width}x{job.height}, {job.steps} steps of {job.sampler}; "
        f"{job.hires.upscaler} to {job.hires.width}x{job.hires.height} at {job.hires.denoise:g}; "
        f"{job.detailer[0].detector} at {job.detailer[0].denoise:g}"
    )
    spent = {stage: watch.seconds[stage] / len(jobs) for stage in STAGES}
    for stage, label in STAGES.items():
        print(f"  {label:32} {spent[stage]:8.3f} s a picture {spent[stage] / whole:7.1%}")
    rest = whole - sum(spent.values()) + spent["saving"]
    print(f"  {'waiting, manifest, gallery':32} {rest:8.3f} s a picture {rest / whole:7.1%}")
    print(f"  {'finished picture':32} {whole:8.3f} s: {3600 / whole:,.0f} pictures an hour")
    print(
        f"  evaluations a second: first pass {job.steps / spent['first pass']:.2f}, "
        f"hires fix {(job.hires.steps or job.steps) / spent['hires fix']:.2f}"
    )


def by_hand_seconds(said: argparse.Namespace, jobs: list[Job]) -> float:
    """Seconds a picture; one picture warms up."""
    device = find_device(said.device)
    dtype = find_dtype(said.dtype, device)
    model = by_hand.load(said.model, said.checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = by_hand.pipeline_of(model, by_hand.Recipe.of(jobs[0]), device, dtype)
        whole = by_hand.Whole(pipeline, device, face)
        for place, job in enumerate(jobs):
            if place == 1:
                began = time.perf_counter()
            whole.draw(job).save(Path(folder) / f"{place}.png")
        return (time.perf_counter() - began) / (len(jobs) - 1)


if __name__ == "__main__":
    main()
