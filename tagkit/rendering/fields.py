"""The fields of a job file: what may be said of a picture, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from tagkit.errors import UserError
from tagkit.rendering.naming import template_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MULTIPLE = 8
MOST_IMAGES = 10_000

Length = Literal["very-short", "short", "long", "very-long"]
Share = Annotated[float, Meta(ge=0, le=1)]


class Negative(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A negative prompt; `complete` says what of the card's is added to it."""

    text: str
    complete: Literal["base", "overfit", "none"] = "overfit"


class Expand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How prompts are completed; what is left out is the card's. `per`: drawn anew for each."""

    temperature: Annotated[float, Meta(ge=0, le=5)] | None = None
    length: Length | None = None
    ban: tuple[str, ...] = ()
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    min_p: Share | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    tag_model: str | None = None
    per: Literal["image", "prompt"] = "image"


class Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every field that a job file, `--set` or a matrix may hold; None: not said.

    YAML reads a bare `off` as false, hence the booleans; `with_off` makes them "off". Words that a
    field takes are checked by `problems`, which can name them.
    """

    model: str | None = None
    negative: str | Negative | None = None
    size: Annotated[str, Meta(pattern=r"^\d{1,5}x\d{1,5}$")] | None = None
    steps: Annotated[int, Meta(ge=1, le=1000)] | None = None
    cfg: Annotated[float, Meta(ge=0, le=100)] | None = None
    sampler: str | None = None
    rng: str | None = None
    seed: Annotated[int, Meta(ge=-1, le=2**63 - 1)] | None = None
    count: Annotated[int, Meta(ge=1, le=MOST_IMAGES)] | None = None
    fix: str | bool | None = None
    expand: str | bool | Expand | None = None
    hires: str | bool | None = None
    detailer: str | bool | None = None
    loras: tuple[dict[str, str | float], ...] | None = None
    filename: str | None = None
    format: str | None = None
    variants: str | None = None


UNSAID = Fields()


class Settled(msgspec.Struct, frozen=True):
    """The fields of one picture with nothing left open."""

    negative: str | Negative
    size: str
    steps: int
    cfg: float
    sampler: str
    rng: str
    seed: int
    count: int
    fix: str
    expand: str | Expand
    filename: str
    variants: str

    @property
    def sides(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return sides(self.size)


FIELD_NAMES = Fields.__struct_fields__
_WORDS = {
    "sampler": ("euler-a",),
    "rng": ("cpu", "nv"),
    "fix": ("safe", "unsafe", "off"),
    "expand": ("card", "off", "{temperature: 0.7}"),
    "hires": ("off",),
    "detailer": ("off",),
    "format": ("png",),
    "variants": ("per-image", "all"),
}


def merged(*layers: Fields) -> Fields:
    """One value for each field: that of the last layer which says it."""
    said = {
        name: value
        for layer in layers
        for name in FIELD_NAMES
        if (value := getattr(layer, name)) is not None
    }
    return Fields(**said)


def with_off(fields: Fields) -> Fields:
    """The same with every `false` as "off"."""
    off = {name: "off" for name in _WORDS if getattr(fields, name) is False}
    return msgspec.structs.replace(fields, **off)


def settled(fields: Fields) -> Settled:
    """Fields of which none that a picture needs is None."""
    return msgspec.convert(fields, Settled, from_attributes=True)


def problems(fields: Fields) -> Iterator[tuple[str, str]]:
    """What the types let pass and is wrong nevertheless: the field, and what it must be."""
    for name, words in _WORDS.items():
        value = getattr(with_off(fields), name)
        if isinstance(value, str | bool) and value not in words:
            yield name, f"`{name}: {value}`: it must be {' or '.join(words)}"
    if fields.size and any(side % MULTIPLE or not side for side in sides(fields.size)):
        yield "size", f"`size: {fields.size}`: both sides must be multiples of {MULTIPLE}"
    if fields.loras:
        yield "loras", "`loras` must be empty: this version of tagkit loads none"
    if fields.filename is not None and (problem := template_problem(fields.filename)):
        yield "filename", f"`filename: {fields.filename}`: {problem}"


def checked(fields: Fields, name: str) -> Fields:
    """The same with every `false` as "off". Raises UserError for a problem; `name` says where."""
    for _, problem in problems(fields):
        raise UserError(problem, name)
    return with_off(fields)


def sides(size: str) -> tuple[int, int]:
    """Width and height of a size such as `832x1216`."""
    width, _, height = size.partition("x")
    return int(width), int(height)
