"""From job files to pictures in a folder: plan, freeze, render, gallery."""

from __future__ import annotations

import time
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

import msgspec

from tagkit.cards import image_card
from tagkit.errors import UserError
from tagkit.extras import need
from tagkit.rendering.fields import Fields
from tagkit.rendering.gallery import write_gallery
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.jobfile import Source, read_source
from tagkit.rendering.lock import folder_lock
from tagkit.rendering.manifest import FOLDER, Manifest, open_manifest
from tagkit.rendering.planning import Plan, make_plan, plan_key
from tagkit.rendering.weights import find_weights
from tagkit.settings import Settings, find_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from tagkit.rendering.job import Job
    from tagkit.rendering.pipeline import Pipeline
    from tagkit.rendering.planning import Complete
    from tagkit.rendering.running import Event


class Order(msgspec.Struct, frozen=True):
    """What is to be rendered. overrides: what `--set` says. checkpoint: instead of the card's."""

    paths: tuple[Path, ...]
    overrides: Fields = Fields()
    checkpoint: str = ""

    @property
    def output(self) -> Path:
        """Where pictures go if nobody says: beside the first file, named by its stem."""
        return self.paths[0].with_suffix("")


class Means(msgspec.Struct, frozen=True):
    """How to render: device and precision (`auto` or a name), batch size (0: automatic)."""

    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 0
    limit: int | None = None


class Summary(msgspec.Struct, frozen=True):
    """What a run did: jobs of the plan by state, and what it rendered itself."""

    output: Path
    total: int
    done: int
    failed: int
    pending: int
    rendered: int
    seconds: float


def plan(
    path: Path | str,
    *,
    overrides: Mapping[str, object] | None = None,
    checkpoint: str = "",
    complete: Complete | None = None,
) -> list[Job]:
    """The jobs of a job file or prompt file, in order.

    overrides: fields that win over what the file says, as `--set` gives them. complete: completes
    prompts where the file asks for `expand`. Raises UserError.
    """
    order = _order(path, overrides, checkpoint)
    return list(planned(order, complete=complete).jobs)


def render(
    path: Path | str,
    output: Path | str | None = None,
    *,
    overrides: Mapping[str, object] | None = None,
    checkpoint: str = "",
    complete: Complete | None = None,
    means: Means = Means(),
) -> Summary:
    """Renders a job file or prompt file into the folder `output`; only what is missing there.

    Raises UserError where nothing can be rendered; a job that fails is counted, not raised.
    """
    order = _order(path, overrides, checkpoint)
    folder = Path(output) if output is not None else order.output
    return render_order(order, folder, means, complete=complete)


def planned(
    order: Order,
    output: Path | None = None,
    *,
    complete: Complete | None = None,
    random: Random | None = None,
) -> Plan:
    """The plan of `order`: the one frozen in `output` if it was made from the same, else a new one."""
    sources = [read_source(path) for path in order.paths]
    frozen = _frozen(sources, order, output)
    return frozen or make_plan(
        sources,
        _settings(order),
        random or SystemRandom(),
        order.overrides,
        order.checkpoint,
        complete,
    )


def render_order(
    order: Order,
    output: Path,
    means: Means = Means(),
    *,
    complete: Complete | None = None,
    replan: bool = False,
    resume: bool = True,
    announce: Callable[[Plan, int], None] = lambda plan, pending: None,
    watch: Callable[[Event], None] = lambda event: None,
) -> Summary:
    """Renders what is missing in `output`.

    replan: makes the plan anew. resume: False renders everything again. announce: told the plan
    and how many pictures are to be rendered. watch: told of every event. Raises UserError.
    """
    need("render", "torch", "diffusers", "transformers", "PIL")
    began = time.monotonic()
    plan = planned(order, None if replan else output, complete=complete)
    _refuse_unresolved(plan, order)
    with folder_lock(output / FOLDER), open_manifest(output, create=True) as manifest:
        manifest.adopt(plan)
        if not resume:
            manifest.forget()
        manifest.recover()
        rows = manifest.pending()[: means.limit]
        announce(plan, len(rows))
        before = manifest.counts().done
        try:
            _render_rows(manifest, rows, output, order, means, watch)
        finally:
            write_gallery(output, manifest.pictures())
        counts = manifest.counts()
    rendered = counts.done - before
    return Summary(
        output, *msgspec.structs.astuple(counts), rendered, time.monotonic() - began
    )
