"""What a job file says of passes and files, made complete: sizes, figures of the card, digests."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tagkit.errors import UserError
from tagkit.prompt import parse
from tagkit.rendering.blocks import DetailerEntry, Hires
from tagkit.rendering.embeddings import vectors_in
from tagkit.rendering.fields import MULTIPLE, sides
from tagkit.rendering.job import DetailerPass, Embedding, HiresPass, Lora
from tagkit.rendering.resamplers import RESAMPLERS, resampler_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tagkit.cards import ImageCard
    from tagkit.rendering.blocks import LoraEntry
    from tagkit.rendering.finding import Finder
    from tagkit.rendering.job import Job

T = TypeVar("T")
_LORAS = ("lora", "lyco")


def hires_pass(
    said: str | Hires, card: ImageCard, size: tuple[int, int], finder: Finder
) -> HiresPass | None:
    """The second pass; what `said` leaves out is the card's.

    Raises UserError, the field in place of a place, where nobody names an upscaler.
    """
    if said == "off":
        return None
    own = said if isinstance(said, Hires) else Hires()
    advised = card.hires
    name = own.upscaler or advised.upscaler
    if not name:
        hint = "hires: {upscaler: lanczos}"
        raise UserError(f"card `{card.name}` names no upscaler for `hires`", "hires", hint)
    upscaler, digest = _upscaler(name, finder)
    width, height = _target(own, size, advised.scale.default or 2)
    return HiresPass(
        upscaler=upscaler,
        width=width,
        height=height,
        denoise=_either(own.denoise, advised.denoise.default or 0.5),
        steps=_either(own.steps, advised.steps),
        cfg=own.cfg,
        sampler=own.sampler or "",
        scheduler=own.scheduler or "",
        prompt=own.prompt or "",
        negative=own.negative or "",
        digest=digest,
    )


def detailer_passes(
    said: str | Sequence[DetailerEntry], card: ImageCard, finder: Finder
) -> tuple[DetailerPass, ...]:
    """Detectors one after the other. Raises UserError likewise where `card` names none."""
    if said == "off":
        return ()
    advised = {each.detector: each.denoise for each in card.detailer}
    if isinstance(said, str) and not advised:
        hint = "detailer: [{detector: anime-face}]"
        raise UserError(f"card `{card.name}` names no detector", "detailer", hint)
    entries = [DetailerEntry(name) for name in advised] if isinstance(said, str) else said
    return tuple(_detailer(each, advised.get(each.detector), finder) for each in entries)


def loras_of(entries: Iterable[LoraEntry], prompt: str, finder: Finder) -> tuple[Lora, ...]:
    """The LoRAs of the fields, then those of the prompt; one of weight 0 is none.

    Raises UserError for a tag that cannot be read or asks for another kind of network.
    """
    named = [(each.name, each.weight, _either(each.text_weight, each.weight)) for each in entries]
    return tuple(
        Lora(name, weight, text_weight, finder.digest("loras", name), finder.lora_hash(name))
        for name, weight, text_weight in (*named, *prompt_loras(prompt))
        if weight or text_weight
    )


def prompt_loras(prompt: str) -> Iterator[tuple[str, float, float]]:
    """Name, weight on the UNet and on the text encoders of each LoRA tag. Raises UserError."""
    for network in parse(prompt).networks if "<" in prompt else ():
        written = prompt[network.span.start : network.span.end]
        if network.kind not in _LORAS:
            raise UserError(f"`{written}`: tagkit loads LoRAs, and no {network.kind}")
        if len(network.args) > 2 or any(each.startswith("dyn") for each in network.args):
            raise UserError(f"`{written}`: tagkit cannot cut a LoRA to a smaller rank")
        try:
            text_weight, weight = network.weights
        except ValueError:
            text_weight = weight = math.nan
        if not (math.isfinite(weight) and math.isfinite(text_weight)):
            raise UserError(f"`{written}`: its weight is no number")
        yield network.name, weight, text_weight


def require_own_loras(job: Job) -> None:
    """All passes wear the LoRAs of the prompt. Raises UserError for a pass that names others."""
    own = set(prompt_loras(job.prompt))
    for each in (job.hires, *job.detailer):
        for lora in prompt_loras(each.prompt if each else ""):
            if lora not in own:
                what = f"a later pass names the LoRA `{lora[0]}`, and the prompt does not so"
                raise UserError(what)


class Embeddings:
    """Finds the textual inversions that texts name; A1111 takes them by their bare names."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._vectors = cache(self._count)
        self._names = {name.lower(): name for name in finder.names("embeddings")}
        longest_first = sorted(self._names, key=len, reverse=True)
        # CLIP reads letters, digits and signs apart, so a name ends where its letters end.
        self._pattern = re.compile(
            "|".join(rf"(?<![a-z]){re.escape(name)}(?![a-z])" for name in longest_first)
        )

    def named_in(self, texts: Iterable[str]) -> tuple[Embedding, ...]:
        """Those that any of the texts names, sorted. Raises UserError for a file that is none."""
        if not self._names:
            return ()
        found = {self._names[name] for t in texts for name in self._pattern.findall(t.lower())}
        return tuple(
            Embedding(name, digest, self._vectors(name) if digest else 1)
            for name in sorted(found)
            for digest in (self._finder.digest("embeddings", name),)
        )

    def _count(self, name: str) -> int:
        return vectors_in(self._finder.find("embeddings", name))


def _upscaler(name: str, finder: Finder) -> tuple[str, str | None]:
    """The name that stands for it, and its digest."""
    plain = name if name in RESAMPLERS else resampler_named(name)
    return (plain, "") if plain else (name, finder.digest("upscalers", name))


def _target(said: Hires, size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Target sides as A1111 counts them; its VAE works on multiples of 8 and drops the rest."""
    if said.size:
        wanted = sides(said.size)
        width = wanted[0] or wanted[1] * size[0] // size[1]
        height = wanted[1] or wanted[0] * size[1] // size[0]
    else:
        width, height = (int(side * (said.scale or scale)) for side in size)
    return max(MULTIPLE, width // MULTIPLE * MULTIPLE), max(MULTIPLE, height // MULTIPLE * MULTIPLE)


def _detailer(said: DetailerEntry, denoise: float | None, finder: Finder) -> DetailerPass:
    values = msgspec.structs.asdict(said)
    size = values.pop("size")
    values = {name: value for name, value in values.items() if value is not None}
    if size:
        values["width"], values["height"] = sides(size)
    if denoise is not None:
        values.setdefault("denoise", denoise)
    return DetailerPass(**values, digest=finder.digest("detectors", said.detector))


def _either(said: T | None, otherwise: T) -> T:
    return otherwise if said is None else said
