"""From job files to pictures in a folder: plan, freeze, render, gallery."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

import msgspec

from tagkit.cards import image_card
from tagkit.errors import UserError
from tagkit.extras import need, without_kernels
from tagkit.rendering.blocks import laid_over
from tagkit.rendering.crew import Crew
from tagkit.rendering.events import Begun, unwatched
from tagkit.rendering.fields import UNSAID, Overrides, checked, merged
from tagkit.rendering.finding import find_files, unchanged
from tagkit.rendering.gallery import Gallery
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.jobfile import read_source
from tagkit.rendering.loading import AUTOMATIC, Means, Models, find_models
from tagkit.rendering.lock import folder_lock
from tagkit.rendering.manifest import Counts, open_manifest
from tagkit.rendering.manifest_file import FOLDER, is_output
from tagkit.rendering.messages import Setup
from tagkit.rendering.picking import picked_source
from tagkit.rendering.planning import Plan, make_plan, plan_key
from tagkit.rendering.running import Run
from tagkit.rendering.stopping import Stop
from tagkit.rendering.weights import weights_digest
from tagkit.settings import find_settings, folders_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from tagkit.rendering.events import Watch
    from tagkit.rendering.job import Job
    from tagkit.rendering.jobfile import Source
    from tagkit.rendering.loading import Model, Named
    from tagkit.rendering.manifest import Manifest, Row
    from tagkit.rendering.planning import Complete
    from tagkit.rendering.tools import Tools
    from tagkit.settings import Settings


class Order(msgspec.Struct, frozen=True):
    """What is to be rendered: files, or output folders to go on from.

    overrides: what `--set` says. checkpoint: instead of the card's. home: from where tagkit.yaml
    is looked for; the first file if None. picks: names the pictures of folders to take.
    """

    paths: tuple[Path, ...]
    overrides: Overrides = Overrides()
    checkpoint: str = ""
    home: Path | None = None
    picks: Path | None = None

    @property
    def output(self) -> Path:
        """Where pictures go if nobody says: beside the first file, named by its stem."""
        file = self.paths[0]
        if is_output(file):
            return file
        return file.with_suffix("") if file.suffix else file.with_name(f"{file.name}-pictures")


class Summary(msgspec.Struct, frozen=True):
    """What a run did: jobs of the plan by state, and how many pictures it rendered itself."""

    output: Path
    jobs: Counts
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
    order = Order((Path(path),), _fields(overrides), checkpoint)
    return list(planned(order, complete=complete).jobs)


def render(
    path: Path | str,
    output: Path | str | None = None,
    *,
    overrides: Mapping[str, object] | None = None,
    checkpoint: str = "",
    complete: Complete | None = None,
    means: Means = AUTOMATIC,
) -> Summary:
    """Renders a job file or prompt file into the folder `output`; only what is missing there.

    Raises UserError where nothing can be rendered; a job that fails is counted, not raised.
    """
    order = Order((Path(path),), _fields(overrides), checkpoint)
    folder = Path(output) if output is not None else order.output
    return render_order(order, folder, means, complete=complete)


def planned(
    order: Order,
    output: Path | None = None,
    *,
    complete: Complete | None = None,
    random: Random | None = None,
    replan: bool = False,
) -> Plan:
    """The plan frozen in `output` if it was made from the same, else a new one.

    random: draws the seeds that nobody states; the system's if None. replan: always a new one.
    """
    sources = [_source(path, order, output) for path in order.paths]
    settings = find_settings(order.home or order.paths[0])
    key = _own_key(order) or plan_key(sources, settings, order.overrides, order.checkpoint)
    frozen = _frozen(output, key, settings) if output and not replan else None
    return frozen or make_plan(
        sources,
        settings,
        random or SystemRandom(),
        order.overrides,
        order.checkpoint,
        complete,
    )


def _source(path: Path, order: Order, output: Path | None) -> Source:
    if is_output(path):
        stay = output is not None and output.resolve() == path.resolve()
        return picked_source(path, order.picks, stay=stay)
    if order.picks:
        raise UserError(f"`{path}` is no output folder to take picks from", str(order.picks))
    return read_source(path)


def _own_key(order: Order) -> str:
    """That of the plan of an output folder which is to be rendered as it is, else ""."""
    asked = (order.paths[1:], merged(order.overrides), order.checkpoint, order.picks)
    if asked != ((), UNSAID, "", None) or not is_output(order.paths[0]):
        return ""
    with open_manifest(order.paths[0]) as manifest:
        return manifest.key()


@without_kernels()
def render_order(
    order: Order,
    output: Path,
    means: Means = AUTOMATIC,
    *,
    complete: Complete | None = None,
    limit: int | None = None,
    replan: bool = False,
    resume: bool = True,
    watch: Watch = unwatched,
    workers: int = 1,
    stop: Stop | None = None,
) -> Summary:
    """Renders what is missing in `output`, `limit` pictures at most.

    replan: makes the plan anew. resume: False renders everything again. workers: processes that
    draw at once; one draws in this process. Raises UserError; KeyboardInterrupt after a stop.
    """
    need("render", "torch", "diffusers", "transformers", "PIL")
    began = time.monotonic()
    plan = planned(order, output, complete=complete, replan=replan)
    settings = find_settings(order.home or order.paths[0])
    models = find_models(plan.jobs, settings)
    _refuse_unresolved(plan.jobs)
    files = find_files(plan.jobs, settings, FileHashes())
    _require_fitting(plan.jobs, models, files)
    speed = laid_over(means.speed, order.overrides.speed)
    means = msgspec.structs.replace(means, speed=speed)
    with folder_lock(output / FOLDER), open_manifest(output, create=True) as manifest:
        manifest.adopt(plan)
        if not resume:
            manifest.forget()
        manifest.recover()
        rows = manifest.pending()[:limit]
        watch(Begun(plan.jobs, plan.warnings, len(rows)))
        before = manifest.counts().done
        gallery = Gallery(output, manifest.pictures, time.monotonic)
        if rows:
            named = [(*name, it) for name, it in models.items()]
            setup = Setup(0, output, named, means, files, _samples(rows))
            with gallery.kept():
                _render_rows(
                    rows, manifest, setup, gallery.watching(watch), workers, stop or Stop()
                )
        else:
            gallery.write()
        counts = manifest.counts()
    seconds = round(time.monotonic() - began, 1)
    return Summary(output, counts, counts.done - before, seconds)


def _render_rows(
    rows: Sequence[Row], manifest: Manifest, setup: Setup, watch: Watch, workers: int, stop: Stop
) -> None:
    """In this process where it has nothing to fear from a job, else in others."""
    if workers > 1 or any(row.attempts for row in rows):
        numbered = partial(msgspec.structs.replace, setup)
        Crew(manifest, lambda number: numbered(number=number), workers, watch, stop).render(rows)
        return
    tools = _tools(setup, manifest)
    tools.prepare(setup.samples)
    loaded = Models(
        {(card, named): it for card, named, it in setup.models}, setup.means, setup.files
    )
    size = setup.means.batch_size
    Run(manifest, setup.output, loaded.open, tools, watch, size, stop).render(rows)


def _samples(rows: Sequence[Row]) -> list[Job]:
    """One job for each set of tools that the jobs need."""
    upscalers = {row.job.hires and row.job.hires.upscaler: row.job for row in rows}
    detectors = {tuple(each.detector for each in row.job.detailer): row.job for row in rows}
    return [*upscalers.values(), *detectors.values()]


def _tools(setup: Setup, manifest: Manifest) -> Tools:
    """Needs torch, which planning does not."""
    from tagkit.rendering.pipeline import find_device
    from tagkit.rendering.tools import Tools

    device = find_device(setup.means.device)
    return Tools(setup.output, setup.files, device, manifest.picture)


def _frozen(output: Path, key: str, settings: Settings) -> Plan | None:
    """The plan in the folder, unless files, options or weights have changed since."""
    try:
        with open_manifest(output) as manifest:
            jobs = manifest.plan(key)
    except UserError:
        return None
    if jobs is None:
        return None
    hashes = FileHashes()
    models = {(job.model, job.checkpoint, job.weights) for job in jobs}
    folders = folders_of(settings, "checkpoints")
    same = all(
        weights_digest(image_card(name, settings.cards), named, folders, hashes) == digest
        for name, named, digest in models
    )
    same = same and unchanged(jobs, settings, hashes)
    return Plan(jobs, (), key) if same else None


def _require_fitting(
    jobs: Sequence[Job], models: Mapping[Named, Model], files: Mapping[str, Path]
) -> None:
    """Needs torch and diffusers, and only jobs with LoRAs ask for it."""
    if any(job.loras for job in jobs):
        from tagkit.rendering.fitting import require_fitting

        require_fitting(jobs, models, files)


def _refuse_unresolved(jobs: Sequence[Job]) -> None:
    """A picture without all that it asks for would be another picture."""
    reasons = {job.unresolved: job for job in jobs if job.unresolved}
    for reason, job in reasons.items():
        others = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        raise UserError(f"{reason}{others}", f"in the prompt: {job.original}")


def _fields(overrides: Mapping[str, object] | None) -> Overrides:
    try:
        return checked(msgspec.convert(overrides or {}, Overrides), "overrides")
    except msgspec.ValidationError as error:
        raise UserError(f"overrides: {error}") from error
