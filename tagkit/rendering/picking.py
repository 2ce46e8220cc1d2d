"""Pictures of an output folder, all or picked ones, as requests to render them in another way."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from tagkit.errors import UserError
from tagkit.rendering.blocks import DetailerEntry, Hires, LoraEntry, Negative
from tagkit.rendering.fields import UNSAID, Fields
from tagkit.rendering.jobfile import Origin, Request, Source
from tagkit.rendering.manifest import open_manifest
from tagkit.rendering.resolving import prompt_loras
from tagkit.typed_yaml import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tagkit.rendering.job import DetailerPass, HiresPass, Job
    from tagkit.rendering.manifest import Row

_SHOWN = 5


def picked_source(output: Path, picks: Path | None, *, stay: bool) -> Source:
    """The pictures of an output folder as they were planned, in the order of the plan.

    picks: a file that names those to take, one a line, by file name or id; None for the whole
    plan. stay: what is made of them comes to the same folder, where their first passes are
    stored. Raises UserError for a name that the folder does not know.
    """
    with open_manifest(output) as manifest:
        jobs = _picked(manifest.known(), picks) if picks else [r.job for r in manifest.rows()]
    requests = tuple(_request(job, output, stay=stay) for job in jobs)
    digest = hashlib.sha256("\n".join(str(job.id) for job in jobs).encode()).hexdigest()
    return Source(output, requests, digest)


def _picked(rows: Sequence[Row], picks: Path) -> list[Job]:
    known = {name: row.job for row in rows for name in (row.job.file, row.job.id or "")}
    lines = [line.strip() for line in read_text(picks).splitlines()]
    wanted = [line for line in lines if line in known or (line and not line.startswith("#"))]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        what = f"`{picks}` names no picture" if not wanted else "there is no picture"
        shown = ", ".join(f"`{name}`" for name in unknown[:_SHOWN])
        hint = "one file name or id a line, as the gallery saves them; `#` begins a comment"
        raise UserError(f"{what} {shown}".strip(), str(picks), hint)
    return list({known[name].id: known[name] for name in wanted}.values())


def _request(job: Job, output: Path, *, stay: bool) -> Request:
    """The prompt is final: nothing is drawn, fixed or completed again."""
    origin = Origin(output, record=str(output / job.file))
    base = job if stay else None
    return Request(
        job.prompt, (_fields(job),), (UNSAID,), origin, recorded=True, base=base,
        checkpoint=job.checkpoint,
    )  # fmt: skip


def _fields(job: Job) -> Fields:
    tagged = sum(bool(weight or text) for _, weight, text in prompt_loras(job.prompt))
    listed = job.loras[: len(job.loras) - tagged]
    stem = job.file.rpartition(".")[0]
    return Fields(
        model=job.model,
        negative=Negative(job.negative, "none"),
        size=f"{job.width}x{job.height}",
        steps=job.steps,
        cfg=job.cfg,
        cfg_rescale=job.cfg_rescale,
        sampler=job.sampler,
        scheduler=job.scheduler,
        rng=job.rng,
        clip_skip=job.clip_skip,
        emphasis=job.emphasis,
        vae=job.vae,
        seed=job.seed,
        count=1,
        fix="off",
        expand="off",
        hires=_hires(job.hires) if job.hires else "off",
        detailer=tuple(map(_detailer, job.detailer)) or "off",
        loras=tuple(LoraEntry(each.name, each.weight, each.text_weight) for each in listed),
        filename=stem.replace("{", "{{").replace("}", "}}"),
        format=job.format,
    )


def _hires(made: HiresPass) -> Hires:
    said = msgspec.structs.asdict(made)
    size = f"{said.pop('width')}x{said.pop('height')}"
    del said["digest"]
    return Hires(**said, size=size)


def _detailer(made: DetailerPass) -> DetailerEntry:
    said = msgspec.structs.asdict(made)
    sides = said.pop("width"), said.pop("height")
    del said["digest"]
    return DetailerEntry(**said, size="x".join(map(str, sides)) if all(sides) else None)
