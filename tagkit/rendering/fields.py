"""The fields of a job file: what may be said of a picture, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
from msgspec import Meta

from tagkit.cards import Speed
from tagkit.errors import UserError
from tagkit.infotext import sampler_and_schedule
from tagkit.rendering.blocks import (
    Block,
    DetailerEntry,
    Expand,
    Hires,
    LoraEntry,
    Negative,
    Scale,
    Share,
    Size,
    Steps,
    laid_over,
)
from tagkit.rendering.naming import template_problem
from tagkit.rendering.sampler_names import SAMPLER_NAMES, SCHEDULER_NAMES, sampler_named

if TYPE_CHECKING:
    from collections.abc import Iterator

MULTIPLE = 8
MOST_IMAGES = 10_000
MOST_JOBS = 1_000_000


class Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every field that a job file, `--set` or a matrix may hold; None: not said.

    YAML reads a bare `off` as false, hence the booleans; `checked` makes them "off". Words that a
    field takes are checked by `problems`, which can name them.
    """

    model: str | None = None
    negative: str | Negative | None = None
    size: Size | None = None
    steps: Steps | None = None
    cfg: Scale | None = None
    cfg_rescale: Share | None = None
    sampler: str | None = None
    scheduler: str | None = None
    rng: str | None = None
    clip_skip: Annotated[int, Meta(ge=1, le=12)] | None = None
    emphasis: str | None = None
    vae: str | None = None
    seed: Annotated[int, Meta(ge=-1, le=2**63 - 1)] | None = None
    count: Annotated[int, Meta(ge=1, le=MOST_IMAGES)] | None = None
    fix: str | bool | None = None
    expand: str | bool | Expand | None = None
    hires: str | bool | Hires | None = None
    detailer: str | bool | tuple[DetailerEntry, ...] | None = None
    loras: tuple[LoraEntry, ...] | None = None
    styles: tuple[str, ...] | None = None
    filename: str | None = None
    format: str | None = None
    variants: str | None = None


class Overrides(Fields, frozen=True, forbid_unknown_fields=True):
    """What `--set` may say: every field, and how to compute."""

    speed: Speed = Speed()


UNSAID = Fields()
F = TypeVar("F", bound=Fields)


class Settled(msgspec.Struct, frozen=True):
    """The fields of one picture with nothing left open but what a pass takes from its card."""

    negative: str | Negative
    size: str
    steps: int
    cfg: float
    cfg_rescale: float
    sampler: str
    scheduler: str
    rng: str
    clip_skip: int | None
    emphasis: str
    vae: str
    seed: int
    count: int
    fix: str
    expand: str | Expand
    hires: str | Hires
    detailer: str | tuple[DetailerEntry, ...]
    loras: tuple[LoraEntry, ...]
    styles: tuple[str, ...]
    filename: str
    format: str
    variants: str

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return sides(self.size)


FIELD_NAMES = Fields.__struct_fields__
_WORDS = {
    "rng": ("cpu", "nv"),
    "emphasis": ("original", "no-norm"),
    "fix": ("safe", "unsafe", "off"),
    "expand": ("card", "off", "{temperature: 0.7}"),
    "hires": ("card", "off", "{scale: 1.5}"),
    "detailer": ("card", "off", "[{detector: anime-face}]"),
    "format": ("png", "jpeg", "webp"),
    "variants": ("per-image", "all"),
}


def merged(*layers: Fields) -> Fields:
    """One value for each field: that of the last layer which says it.

    Mappings are merged key by key; over a word they take its place, and it takes theirs.
    """
    said: dict[str, object] = {}
    for layer in layers:
        for name in FIELD_NAMES:
            value = getattr(layer, name)
            if value is not None:
                said[name] = _over(said.get(name), value)
    return Fields(**said)  # type: ignore[arg-type]


def _over(below: object, above: object) -> object:
    if isinstance(above, Block) and type(below) is type(above):
        return laid_over(below, above)
    return above


def settled(fields: Fields) -> Settled:
    """Fields of which none that a picture needs is None."""
    return Settled(**{name: getattr(fields, name) for name in Settled.__struct_fields__})


def problems(fields: Fields) -> Iterator[tuple[str, str]]:
    """What the types let pass and is wrong nevertheless: the field, and what it must be."""
    for name, words in _WORDS.items():
        value = getattr(fields, name)
        value = "off" if value is False else value
        if isinstance(value, str | bool) and value not in words:
            yield name, f"`{name}: {value}`: it must be {' or '.join(words)}"
    if fields.size and any(side % MULTIPLE or not side for side in sides(fields.size)):
        yield "size", f"`size: {fields.size}`: both sides must be multiples of {MULTIPLE}"
    if fields.filename is not None and (problem := template_problem(fields.filename)):
        yield "filename", f"`filename: {fields.filename}`: {problem}"
    yield from _unknown_samplers("", fields)
    if isinstance(fields.hires, Hires):
        yield from _unknown_samplers("hires", fields.hires)
        if fields.hires.size and not any(sides(fields.hires.size)):
            yield "hires", f"`hires.size: {fields.hires.size}`: one side must be above 0"
    for entry in _entries(fields.detailer):
        yield from _unknown_samplers("detailer", entry)
        if entry.size and any(side % MULTIPLE or not side for side in sides(entry.size)):
            yield "detailer", f"`size: {entry.size}`: both sides must be multiples of {MULTIPLE}"


def _unknown_samplers(
    field: str, block: Fields | Hires | DetailerEntry
) -> Iterator[tuple[str, str]]:
    said = _in_our_words(block)
    known = {"sampler": SAMPLER_NAMES, "scheduler": SCHEDULER_NAMES}
    for name, names in known.items():
        value = getattr(said, name)
        if value and value not in names:
            shown = f"`{field}{'.' if field else ''}{name}: {value}`"
            yield field or name, f"{shown}: it must be {' or '.join(names)}"


def checked(fields: F, name: str) -> F:
    """The same in tagkit's own words. Raises UserError for a problem; `name` says where."""
    for _, problem in problems(fields):
        raise UserError(problem, name)
    return normal(fields)


def normal(fields: F) -> F:
    """The same with every `false` as "off", and A1111's names of samplers as tagkit's."""
    changes: dict[str, object] = {name: "off" for name in _WORDS if getattr(fields, name) is False}
    if isinstance(fields.hires, Hires):
        changes["hires"] = _in_our_words(fields.hires)
    if entries := _entries(fields.detailer):
        changes["detailer"] = tuple(map(_in_our_words, entries))
    return msgspec.structs.replace(_in_our_words(fields), **changes)


B = TypeVar("B", bound="Fields | Hires | DetailerEntry")


def _in_our_words(block: B) -> B:
    """`DPM++ 2M Karras` is `dpm++-2m` with the schedule `karras`."""
    written = {"Sampler": block.sampler or "", "Schedule type": block.scheduler or ""}
    label, schedule = sampler_and_schedule(written)
    sampler = sampler_named(label) or label
    scheduler = schedule.lower().replace(" ", "-")
    return msgspec.structs.replace(block, sampler=sampler or None, scheduler=scheduler or None)


def _entries(detailer: object) -> tuple[DetailerEntry, ...]:
    return detailer if isinstance(detailer, tuple) else ()


def sides(size: str) -> tuple[int, int]:
    """Width and height of a size such as `832x1216`."""
    width, _, height = size.partition("x")
    return int(width), int(height)
