"""One training from its recipe to its files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tagkit.extras import need, without_kernels
from tagkit.rendering.lock import folder_lock
from tagkit.settings import find_settings
from tagkit.training.events import Begun, Watch, unwatched
from tagkit.training.plan import make_plan
from tagkit.training.recipe import read_recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tagkit.training.plan import Plan


def open_libraries() -> None:
    """To be called before anything that imports torch. Raises UserError for a missing package."""
    need("train", "torch", "diffusers", "transformers", "accelerate", "peft")
    from tagkit.rendering.components import silence

    silence()


class Summary(msgspec.Struct, frozen=True):
    """What came of a training: steps done in all and in this run, the last loss, the files."""

    output: Path
    steps: int
    made: int
    loss: float | None
    files: tuple[Path, ...]
    seconds: float


class Surroundings(msgspec.Struct, frozen=True):
    """What a training hears and says. stopping: true ends it behind a checkpoint."""

    watch: Watch = unwatched
    stopping: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], str] = lambda: datetime.now(timezone.utc).isoformat(timespec="seconds")


QUIET = Surroundings()


def planned(path: Path | str, settings: Sequence[str] = ()) -> Plan:
    """The plan of a recipe under the `key=value` texts of `settings`. Raises UserError."""
    found = find_settings(Path(path))
    return make_plan(read_recipe(Path(path), settings, found.cards), found)


def is_first_process() -> bool:
    """Whether this is the one process that writes and speaks, where several train together."""
    return os.environ.get("RANK", "0") == "0"


def output_of(path: Path) -> Path:
    """Where a training's files go if nobody says: beside the recipe, named by its stem."""
    return path.with_suffix("")


@without_kernels()
def train(
    plan: Plan,
    output: Path,
    *,
    resume: bool = True,
    device: str = "auto",
    surroundings: Surroundings = QUIET,
) -> Summary:
    """Trains what the plan says, from the last checkpoint in `output` if there is one.

    resume: false for a training from the start, in a folder that holds none. device: `auto` or
    `cpu`. Raises UserError; KeyboardInterrupt where `stopping` became true and all is kept.
    """
    open_libraries()
    started = surroundings.clock()
    with folder_lock(output / "checkpoints") if is_first_process() else nullcontext():
        from tagkit.training.trainer import Trainer

        trainer = Trainer(plan, output, device, surroundings)
        begun = trainer.begin(resume=resume)
        surroundings.watch(Begun(plan, begun))
        loss, files = trainer.go_on()
    seconds = round(surroundings.clock() - started, 1)
    return Summary(output, plan.steps, plan.steps - begun, loss, tuple(files), seconds)
