"""Plans: requests to jobs, every image's full recipe. Pure, and needs no torch."""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import product
from pathlib import Path  # msgspec reads the annotations of structs
from random import Random
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from tagkit.cards import ImageCard, Range, image_card
from tagkit.errors import UserError
from tagkit.linting.own_rules import own_rules
from tagkit.prompt import parse
from tagkit.prompt.templates import Wildcards, draw, draw_all, is_template
from tagkit.rendering import naming
from tagkit.rendering.fields import (
    MOST_IMAGES,
    UNSAID,
    Expand,
    Fields,
    Settled,
    merged,
    settled,
)
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.job import Job, identified, recipe
from tagkit.rendering.weights import weights_digest
from tagkit.rendering.wording import Editor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.rendering.jobfile import Request, Source
    from tagkit.settings import Settings

DEFAULT_MODEL = "baxl-v3"
SUFFIX = ".png"
# Where a card states none: what Stable Diffusion front ends begin with.
_STEPS, _CFG = 25, 7.0
_SEEDS = 2**32


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


class _Draft(NamedTuple):
    """A job before its prompt is completed; `prompt` and `negative` are fixed.

    first: the seed of the first of the images that differ in nothing else.
    """

    request: Request
    fields: Settled
    card: ImageCard
    first: int
    seed: int
    prompt: str
    negative: str


def plan_key(
    sources: Sequence[Source], settings: Settings, overrides: Fields, checkpoint: str
) -> str:
    """Changes with every byte of the files, with the settings that matter, with every override."""
    lexicon = str(settings.lexicon or "")
    judged = (settings.model, settings.select, settings.ignore, lexicon, *own_rules(settings.rules))
    said = [[source.digest for source in sources], judged, overrides, checkpoint]
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
    planner = _Planner(settings, random, overrides, checkpoint)
    requests = [request for source in sources for request in source.requests]
    drafts = [draft for request in requests for draft in planner.drafts(request)]
    prompts = _completed(drafts, complete, settings.lexicon)
    jobs: dict[str, Job] = {}
    for draft, prompt in zip(drafts, prompts, strict=True):
        job = planner.job(draft, prompt)
        jobs.setdefault(recipe(job), _named(job, len(jobs), draft.fields.filename))
    key = plan_key(sources, settings, overrides, checkpoint)
    return Plan(tuple(jobs.values()), tuple(planner.warnings), key)


class _Planner:
    """What the jobs of one plan share: cards, weights, words already worked out."""

    def __init__(
        self, settings: Settings, random: Random, overrides: Fields, checkpoint: str
    ) -> None:
        self._settings = settings
        self._random = random
        self._overrides = overrides
        self._checkpoint = checkpoint
        self._hashes = FileHashes()
        self._card = cache(lambda name: image_card(name, settings.cards))
        self._editor = cache(lambda name: Editor(self._card(name), settings))
        self._weights = cache(self._digest)
        self._wildcards = Wildcards(settings.wildcards)
        self._is_template = cache(is_template)
        self.warnings: dict[str, None] = {}

    def drafts(self, request: Request) -> Iterator[_Draft]:
        """The jobs of one request: matrix, then seeds. A random seed is drawn once for all."""
        drawn = cache(lambda: self._random.randrange(_SEEDS))
        for template, cell in product(self._templates(request), request.cells):
            said = merged(*request.layers, cell, self._overrides)
            card = self._named_card(said.model, request)
            fields = settled(merged(card_fields(card), said))
            self._check(fields, card, request)
            first = drawn() if fields.seed == -1 else fields.seed
            for index in range(fields.count):
                prompt = self._drawn(template, request, first + index, index)
                words = self._editor(card.name).fixed(prompt, fields.negative, fields.fix)
                yield _Draft(request, fields, card, first, first + index, *words)

    def _templates(self, request: Request) -> Iterator[str]:
        """The prompt; with `variants: all` each prompt that it can become."""
        said = merged(*request.layers, self._overrides)
        if said.variants == "all" and not request.recorded and is_template(request.prompt):
            yield from draw_all(request.prompt, self._wildcards, MOST_IMAGES)
        else:
            yield request.prompt

    def _drawn(self, template: str, request: Request, seed: int, index: int) -> str:
        """What the image with this seed draws for the wildcards and variants of its prompt."""
        if request.recorded or not self._is_template(template):
            return template
        try:
            return draw(template, Random(seed), self._wildcards, index)
        except UserError as error:
            raise UserError(error.what, request.origin.place("prompt"), error.hint) from error

    def job(self, draft: _Draft, prompt: str) -> Job:
        """The job of a draft whose prompt came back as `prompt`; without index and file name."""
        fields, editor = draft.fields, self._editor(draft.card.name)
        negative = draft.negative
        if prompt != draft.prompt:
            prompt, negative = editor.fixed(prompt, fields.negative, fields.fix)
        words = editor.judged(prompt, negative)
        width, height = fields.sides
        return identified(
            Job(
                id=None,
                index=0,
                file="",
                prompt=words.positive,
                negative=words.negative,
                seed=draft.seed,
                width=width,
                height=height,
                steps=fields.steps,
                cfg=fields.cfg,
                sampler=fields.sampler,
                model=draft.card.name,
                tokens=words.tokens,
                diagnostics=words.codes,
                rng=fields.rng,
                prediction=draft.card.sampling.prediction,
                weights=self._weights(draft.card.name),
                checkpoint=self._checkpoint,
                original=draft.request.prompt,
                unresolved=words.missing or _unresolved(prompt),
                refused=words.refused,
            )
        )

    def _digest(self, name: str) -> str | None:
        folders = self._settings.checkpoints
        return weights_digest(self._card(name), self._checkpoint, folders, self._hashes)

    def _named_card(self, name: str | None, request: Request) -> ImageCard:
        if name is None:
            return self._card(self._settings.model or DEFAULT_MODEL)
        try:
            return self._card(name)
        except UserError as error:
            raise UserError(error.what, self._place(request, "model"), error.hint) from error

    def _place(self, request: Request, field: str) -> str:
        said = getattr(self._overrides, field) is not None
        return f"--set {field}" if said else request.origin.place(field)

    def _check(self, fields: Settled, card: ImageCard, request: Request) -> None:
        if any(side % card.size.step for side in fields.sides):
            what = f"`size: {fields.size}`: `{card.name}` takes sides in steps of {card.size.step}"
            raise UserError(what, self._place(request, "size"))
        sides = Range(card.size.min, card.size.max)
        measured = (
            ("cfg", fields.cfg, card.sampling.cfg),
            ("steps", fields.steps, card.sampling.steps),
            *(("a side of", side, sides) for side in fields.sides),
        )
        for name, value, stated in measured:
            if (stated.min or value) <= value <= (stated.max or value):
                continue
            bounds = f"{stated.min or 0:g} to {stated.max or value:g}"
            warning = f"{name} {value:g} is outside of what `{card.name}` is made for: {bounds}"
            self.warnings[warning] = None


def card_fields(card: ImageCard) -> Fields:
    """What the card says where nothing else does."""
    width, height = card.size.default
    return Fields(
        negative="auto",
        size=f"{width}x{height}",
        steps=int(card.sampling.steps.default or _STEPS),
        cfg=card.sampling.cfg.default or _CFG,
        sampler="euler-a",
        rng="cpu",
        seed=1,
        count=1,
        fix="safe",
        expand="off",
        filename=naming.DEFAULT,
        variants="per-image",
    )


def _completed(
    drafts: Sequence[_Draft], complete: Complete | None, lexicon: Path | None
) -> list[str]:
    """The prompts of all drafts, those that ask for it completed together."""
    asking = {index: each for index, each in enumerate(drafts) if each.fields.expand != "off"}
    prompts = [draft.prompt for draft in drafts]
    if not asking:
        return prompts
    if complete is None:
        raise UserError("a job asks for `expand`, and there is nothing to expand with here")
    answers = complete([_completion(draft, lexicon) for draft in asking.values()])
    for index, answer in zip(asking, answers, strict=True):
        prompts[index] = answer
    return prompts


def _completion(draft: _Draft, lexicon: Path | None) -> Completion:
    how = draft.fields.expand if isinstance(draft.fields.expand, Expand) else Expand()
    seed = draft.seed if how.per == "image" else draft.first
    width, height = draft.fields.sides
    return Completion(draft.prompt, seed, width, height, draft.card, how, lexicon)


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
        job, index=index, file=naming.file_name(template, values, SUFFIX)
    )


def _unresolved(prompt: str) -> str:
    """What the prompt asks for and cannot get; without it the picture would be another."""
    networks = parse(prompt).networks
    return f"this version of tagkit loads no LoRA: `{networks[0].name}`" if networks else ""
