"""Plans: requests to jobs, every image's full recipe. Pure, and needs no torch."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path  # msgspec reads the annotations of structs
from typing import TYPE_CHECKING, Protocol

import msgspec

from tagkit.cards import ImageCard
from tagkit.errors import UserError
from tagkit.linting.own_rules import own_rules
from tagkit.rendering import naming
from tagkit.rendering.blocks import Expand
from tagkit.rendering.drafting import Drafter
from tagkit.rendering.fields import MOST_JOBS, UNSAID, Fields, merged
from tagkit.rendering.job import Job, recipe
from tagkit.rendering.making import Maker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tagkit.rendering.drafting import Draft
    from tagkit.rendering.jobfile import Source
    from tagkit.settings import Settings

_SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}


class Completion(msgspec.Struct, frozen=True):
    """A prompt to complete: its picture's seed and size, its card, how, the user's tag list."""

    prompt: str
    seed: int
    width: int
    height: int
    card: ImageCard
    how: Expand
    lexicon: Path | None = None


class Complete(Protocol):
    """Completes prompts, in order; the same request gives the same prompt."""

    def __call__(self, requests: Sequence[Completion]) -> list[str]:
        """The completed prompts."""


class Plan(msgspec.Struct, frozen=True):
    """All jobs in their order; `key` stands for everything that the plan was made from."""

    jobs: tuple[Job, ...]
    warnings: tuple[str, ...]
    key: str


def plan_key(
    sources: Sequence[Source], settings: Settings, overrides: Fields, checkpoint: str
) -> str:
    """Changes with every byte of the files, with the settings that matter, with every override."""
    lexicon = str(settings.lexicon or "")
    judged = (settings.model, settings.select, settings.ignore, lexicon, *own_rules(settings.rules))
    said = [[source.digest for source in sources], judged, merged(overrides), checkpoint]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


def make_plan(
    sources: Sequence[Source],
    settings: Settings,
    random: Random,
    overrides: Fields = UNSAID,
    checkpoint: str = "",
    complete: Complete | None = None,
) -> Plan:
    """The jobs of all sources, one after the other; equal recipes are one job.

    random: draws the seeds for `seed: -1`. complete: what `expand` calls; UserError without it
    where a job asks for it. Raises UserError for a size that the model cannot have.
    """
    drafter = Drafter(settings, random, overrides)
    requests = [request for source in sources for request in source.requests]
    drafts = list(islice((one for each in requests for one in drafter.drafts(each)), MOST_JOBS + 1))
    if len(drafts) > MOST_JOBS:
        raise UserError(f"a plan of more than {MOST_JOBS:,} pictures", str(sources[0].path))
    prompts = _completed(drafts, complete, settings.lexicon, drafter)
    maker = Maker(settings, drafter, checkpoint)
    jobs: dict[str, Job] = {}
    for draft, prompt in zip(drafts, prompts, strict=True):
        job = maker.job(draft, prompt)
        jobs.setdefault(job.id or recipe(job), _named(job, len(jobs), draft.fields.filename))
    key = plan_key(sources, settings, overrides, checkpoint)
    return Plan(tuple(jobs.values()), tuple(drafter.warnings), key)


def _completed(
    drafts: Sequence[Draft], complete: Complete | None, lexicon: Path | None, drafter: Drafter
) -> list[str]:
    """The prompts of all drafts, those that ask for it completed together."""
    asking = {index: each for index, each in enumerate(drafts) if each.fields.expand != "off"}
    prompts = [draft.words.positive for draft in drafts]
    if not asking:
        return prompts
    if complete is None:
        raise UserError("a job asks for `expand`, and there is nothing to expand with here")
    try:
        answers = complete([_completion(draft, lexicon) for draft in asking.values()])
    except UserError as error:
        place = drafter.place(next(iter(asking.values())).request, "expand")
        where = "\n".join(each for each in (error.where, place) if each)
        raise UserError(error.what, where, error.hint) from error
    for index, answer in zip(asking, answers, strict=True):
        prompts[index] = answer
    return prompts


def _completion(draft: Draft, lexicon: Path | None) -> Completion:
    how = draft.fields.expand if isinstance(draft.fields.expand, Expand) else Expand()
    seed = draft.first if how.per == "prompt" else draft.seed
    width, height = draft.fields.sides
    return Completion(draft.words.positive, seed, width, height, draft.card, how, lexicon)


def _named(job: Job, index: int, template: str) -> Job:
    values = naming.Values(
        index=index,
        seed=job.seed,
        model=job.model,
        id=job.id or "unresolved",
        prompt=job.prompt,
        steps=job.steps,
        cfg=job.cfg,
        sampler=job.sampler,
        width=job.width,
        height=job.height,
    )
    return msgspec.structs.replace(
        job, index=index, file=naming.file_name(template, values, _SUFFIXES[job.format])
    )
