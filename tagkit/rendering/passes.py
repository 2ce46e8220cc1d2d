"""The order of passes: the first, hires fix, the detailer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tagkit.rendering.detailing import detailed
from tagkit.rendering.hires import Base, Canvas, enlarged, redrawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from torch import Tensor

    from tagkit.rendering.job import HiresPass, Job
    from tagkit.rendering.pipeline import Pipeline
    from tagkit.rendering.tools import Tools
    from tagkit.rendering.vae import Picture

T = TypeVar("T")
R = TypeVar("R")


class Drawn(NamedTuple):
    """A job's picture so far, and its latent if it has just been drawn."""

    job: Job
    picture: Picture
    latent: Tensor | None


def finished(
    pipeline: Pipeline, jobs: Sequence[Job], tools: Tools
) -> Iterator[tuple[Job, Picture | Exception]]:
    """Each job with its picture, or with why it has none.

    jobs: equal in all but prompts, seed and names. The first pass is made before this returns, and
    what goes wrong there is raised: MemoryError where the device has too little for so many at
    once. Later passes are made as pictures are asked for, and halve their batches themselves.
    """
    latents = [None] * len(jobs) if jobs[0].base else [*pipeline.latents(jobs)]
    return _finished(pipeline, jobs, latents, tools)


def _finished(
    pipeline: Pipeline, jobs: Sequence[Job], latents: Sequence[Tensor | None], tools: Tools
) -> Iterator[tuple[Job, Picture | Exception]]:
    """Without later passes each picture is given before the next one is decoded."""
    drawn = _each(partial(_begun, pipeline, tools), zip(jobs, latents, strict=True))
    if jobs[0].hires:
        drawn = _each(partial(_decoded, pipeline), _hires(pipeline, [*drawn], jobs[0].hires, tools))
    if jobs[0].detailer:
        drawn = _onward(partial(_detailed, pipeline, tools), [*drawn], len(jobs))
    for job, each in zip(jobs, drawn, strict=True):
        yield job, each if isinstance(each, Exception) else each.picture


def _begun(pipeline: Pipeline, tools: Tools, begun: tuple[Job, Tensor | None]) -> Drawn:
    """The picture of the first pass: read, or decoded and kept if a later pass changes it."""
    job, latent = begun
    if latent is None:
        return Drawn(job, tools.base(job), None)
    drawn = _decoded(pipeline, (job, latent))
    tools.keep(job, drawn.picture)
    return drawn


def _decoded(pipeline: Pipeline, finished: tuple[Job, Tensor]) -> Drawn:
    job, latent = finished
    return Drawn(job, pipeline.picture(latent), latent)


def _hires(
    pipeline: Pipeline, drawn: Iterable[Drawn | Exception], hires: HiresPass, tools: Tools
) -> Iterator[tuple[Job, Tensor] | Exception]:
    """Pictures are enlarged one by one, then drawn again, as many at once as is good."""

    def larger(each: Drawn) -> Canvas:
        base = Base(each.job, each.job.hires or hires, each.picture, each.latent)
        return enlarged(base, pipeline, tools.upscaler(hires))

    def again(canvases: Sequence[Canvas]) -> list[tuple[Job, Tensor]]:
        latents = redrawn(canvases, pipeline)
        return [(canvas.job, latent) for canvas, latent in zip(canvases, latents, strict=True)]

    at_once = max(1, pipeline.most_pixels // (hires.width * hires.height))
    return _onward(again, [*_each(larger, drawn)], at_once)


def _detailed(pipeline: Pipeline, tools: Tools, drawn: Sequence[Drawn]) -> list[Drawn]:
    jobs, pictures = [each.job for each in drawn], [each.picture for each in drawn]
    results = detailed(pictures, jobs, tools.detector, pipeline)
    return [Drawn(job, picture, None) for job, picture in zip(jobs, results, strict=True)]


def _each(work: Callable[[T], R], items: Iterable[T | Exception]) -> Iterator[R | Exception]:
    """What has failed stays what it is; what fails here does not end the others."""
    for item in items:
        if isinstance(item, Exception):
            yield item
            continue
        try:
            yield work(item)
        except Exception as error:  # noqa: BLE001 - as said
            yield error


def _onward(
    work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T | Exception], at_once: int
) -> Iterator[R | Exception]:
    """Likewise for work on several at once."""
    good = [each for each in items if not isinstance(each, Exception)]
    done = iter(in_parts(work, good, at_once))
    return (each if isinstance(each, Exception) else next(done) for each in items)


def in_parts(
    work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], at_once: int
) -> list[R | Exception]:
    """`work` on at most `at_once` items; halved where it fails, until what is to blame is alone."""
    results: list[R | Exception] = []
    while len(results) < len(items):
        some = items[len(results) : len(results) + at_once]
        try:
            results += work(some)
        except Exception as error:  # noqa: BLE001 - one item's fault must not end the others
            if len(some) == 1:
                results.append(error)
            at_once = max(1, len(some) // 2)
    return results
