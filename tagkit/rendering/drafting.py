"""Requests to drafts: every picture's fields settled and its prompts drawn, styled and fixed."""

from __future__ import annotations

from functools import cache
from itertools import product
from random import Random
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from tagkit.cards import ImageCard, Range, image_card
from tagkit.data import DEFAULT_CARD
from tagkit.errors import UserError
from tagkit.prompt.templates import Wildcards, draw, draw_all, is_template
from tagkit.rendering import naming
from tagkit.rendering.blocks import DetailerEntry, Hires
from tagkit.rendering.fields import MOST_IMAGES, Fields, Settled, merged, settled
from tagkit.rendering.styling import Styles
from tagkit.rendering.wording import Editor, Wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.rendering.blocks import Negative
    from tagkit.rendering.jobfile import Request
    from tagkit.settings import Settings

# Where a card states none: what Stable Diffusion front ends begin with.
_STEPS, _CFG = 25, 7.0
_SEEDS = 2**32

P = TypeVar("P", Hires, DetailerEntry)


class Draft(NamedTuple):
    """A job before its prompt is completed.

    first: the seed of the first of the images that differ in nothing else. negative: as it was
    asked for, styles included.
    """

    request: Request
    fields: Settled
    card: ImageCard
    first: int
    seed: int
    negative: str | Negative
    words: Wording


class Drafter:
    """Makes the drafts of one plan, and gathers what is to be warned of.

    random: draws the seeds for `seed: -1`.
    """

    def __init__(self, settings: Settings, random: Random, overrides: Fields) -> None:
        self._settings = settings
        self._random = random
        self._overrides = overrides
        self._wildcards = Wildcards(settings.wildcards)
        self._styles = Styles(settings.styles)
        self._is_template = cache(is_template)
        self.card = cache(lambda name: image_card(name, settings.cards))
        self.editor = cache(lambda name: Editor(self.card(name), settings))
        self.warnings: dict[str, None] = {}

    @property
    def chooses_model(self) -> bool:
        """Whether the command line names the model."""
        return self._overrides.model is not None

    def drafts(self, request: Request) -> Iterator[Draft]:
        """The jobs of one request: matrix, then seeds. A random seed is drawn once for all.

        Raises UserError for a size that the model cannot have, a missing style or wildcard.
        """
        drawn = cache(lambda: self._random.randrange(_SEEDS))
        for template, cell in product(self._templates(request), request.cells):
            said = merged(*request.layers, cell, self._overrides)
            card = self._named_card(said.model, request)
            fields = settled(merged(card_fields(card), said))
            self._check(fields, card, request)
            styled, negative = self._styled(template, fields, request)
            first = drawn() if fields.seed == -1 else fields.seed
            for index in range(fields.count):
                seed = first + index
                own = self._drawn_passes(fields, request, seed, index)
                prompt = self._drawn(styled, request, seed, index)
                words = self.editor(card.name).worded(prompt, negative, fields.fix)
                yield Draft(request, own, card, first, seed, negative, words)

    def place(self, request: Request, field: str) -> str:
        """What said the field: the command line, or a line of a file."""
        said = getattr(self._overrides, field) is not None
        return f"--set {field}" if said else request.origin.place(field)

    def _templates(self, request: Request) -> Iterator[str]:
        """The prompt; with `variants: all` each prompt that it can become."""
        said = merged(*request.layers, self._overrides)
        if said.variants == "all" and not request.recorded and is_template(request.prompt):
            yield from draw_all(request.prompt, self._wildcards, MOST_IMAGES)
        else:
            yield request.prompt

    def _styled(self, prompt: str, fields: Settled, request: Request) -> tuple[str, str | Negative]:
        if not fields.styles:
            return prompt, fields.negative
        try:
            return self._styles.applied(fields.styles, prompt, fields.negative)
        except UserError as error:
            raise UserError(error.what, self.place(request, "styles"), error.hint) from error

    def _drawn(self, template: str, request: Request, seed: int, index: int) -> str:
        """What the image with this seed draws for the wildcards and variants of its prompt."""
        if request.recorded or not self._is_template(template):
            return template
        try:
            return draw(template, Random(seed), self._wildcards, index)
        except UserError as error:
            raise UserError(error.what, request.origin.place("prompt"), error.hint) from error

    def _drawn_passes(self, fields: Settled, request: Request, seed: int, index: int) -> Settled:
        """The same with the prompts of later passes drawn, too."""

        def drawn(block: P) -> P:
            if not block.prompt:
                return block
            prompt = self._drawn(block.prompt, request, seed, index)
            return msgspec.structs.replace(block, prompt=prompt)

        hires, detailer = fields.hires, fields.detailer
        if isinstance(hires, Hires):
            hires = drawn(hires)
        if not isinstance(detailer, str):
            detailer = tuple(map(drawn, detailer))
        if (hires, detailer) == (fields.hires, fields.detailer):
            return fields
        return msgspec.structs.replace(fields, hires=hires, detailer=detailer)

    def _named_card(self, name: str | None, request: Request) -> ImageCard:
        if name is None:
            return self.card(self._settings.model or DEFAULT_CARD)
        try:
            return self.card(name)
        except UserError as error:
            raise UserError(error.what, self.place(request, "model"), error.hint) from error

    def _check(self, fields: Settled, card: ImageCard, request: Request) -> None:
        if any(side % card.size.step for side in fields.sides):
            what = f"`size: {fields.size}`: `{card.name}` takes sides in steps of {card.size.step}"
            raise UserError(what, self.place(request, "size"))
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
    advised = card.sampling
    return Fields(
        negative="auto",
        size=f"{width}x{height}",
        steps=int(advised.steps.default or _STEPS),
        cfg=advised.cfg.default or _CFG,
        cfg_rescale=advised.cfg_rescale,
        sampler=advised.sampler,
        scheduler=advised.scheduler,
        rng="cpu",
        clip_skip=advised.clip_skip,
        emphasis="original",
        vae="",
        seed=1,
        count=1,
        fix="safe",
        expand="off",
        hires="off",
        detailer="off",
        loras=(),
        styles=(),
        filename=naming.DEFAULT,
        format="png",
        variants="per-image",
    )
