"""The order of passes: the first, hires fix, the detailer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tagkit.rendering.detailing import detailed
from tagkit.rendering.hires import Base, hires_latents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from tagkit.rendering.job import Job
    from tagkit.rendering.pipeline import Picture, Pipeline
    from tagkit.rendering.tools import Tools

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
    one = jobs[0]
    begun = partial(_begun, pipeline, tools)
    drawn: Iterator[Drawn | Exception]
    drawn = (in_parts(begun, [each], 1)[0] for each in zip(jobs, latents, strict=True))
    if one.hires:
        at_once = max(1, pipeline.most_pixels // (one.hires.width * one.hires.height))
        drawn = iter(_onward(partial(_hires, pipeline, tools), [*drawn], at_once))
    if one.detailer:
        drawn = iter(_onward(partial(_detailed, pipeline, tools), [*drawn], len(jobs)))
    for job, each in zip(jobs, drawn, strict=True):
        yield job, each if isinstance(each, Exception) else each.picture


def _begun(
    pipeline: Pipeline, tools: Tools, pairs: Sequence[tuple[Job, Tensor | None]]
) -> list[Drawn]:
    """Pictures of the first pass; kept where a later pass changes them."""
    begun = []
    for job, latent in pairs:
        picture = tools.base(job) if latent is None else pipeline.picture(latent)
        if latent is not None:
            tools.keep(job, picture)
        begun.append(Drawn(job, picture, latent))
    return begun


def _hires(pipeline: Pipeline, tools: Tools, drawn: Sequence[Drawn]) -> list[Drawn]:
    bases = [
        Base(each.job, each.job.hires, each.picture, each.latent)
        for each in drawn
        if each.job.hires
    ]
    latents = hires_latents(bases, pipeline, tools.upscaler(bases[0].hires))
    return [
        Drawn(each.job, pipeline.picture(latent), latent)
        for each, latent in zip(drawn, latents, strict=True)
    ]


def _detailed(pipeline: Pipeline, tools: Tools, drawn: Sequence[Drawn]) -> list[Drawn]:
    jobs, pictures = [each.job for each in drawn], [each.picture for each in drawn]
    results = detailed(pictures, jobs, tools.detector, pipeline)
    return [Drawn(job, picture, None) for job, picture in zip(jobs, results, strict=True)]


def _onward(
    work: Callable[[Sequence[Drawn]], list[Drawn]],
    drawn: Sequence[Drawn | Exception],
    at_once: int,
) -> list[Drawn | Exception]:
    """What has not failed goes through `work`, what has stays what it is."""
    good = [each for each in drawn if not isinstance(each, Exception)]
    results = in_parts(work, good, at_once)
    done = iter(results)
    return [each if isinstance(each, Exception) else next(done) for each in drawn]


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
