"""Model cards: everything tagkit knows of a model, as data. Code tests no model's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from tagkit._version import __version__
from tagkit.compiled import compiled
from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.typed_yaml import nearest, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every block of a card: frozen, and no unknown key passes."""


class Range(Part, frozen=True):
    """A figure: `min` and `max` where the source states limits, `default` where one is needed."""

    min: float | None = None
    max: float | None = None
    default: float | None = None
    source: str = ""


class Sides(Part, frozen=True):
    """Picture sides in pixels: each from `min` to `max` in steps of `step`."""

    min: int = 512
    max: int = 2048
    step: int = 8
    default: tuple[int, int] = (1024, 1024)
    source: str = ""


class Overfit(Part, frozen=True):
    """A tag that comes out unasked. `pattern` and `unless` match a whole canonical name."""

    pattern: str
    inject: str
    unless: str
    why: str = ""


class Ban(Part, frozen=True):
    """A pattern of tags that the model draws badly; `excepting` are names it must not catch."""

    pattern: str
    excepting: tuple[str, ...] = ()


class Unsupported(Part, frozen=True):
    """A subject that the model was not made for.

    tags: canonical names that ask for it. together: names of which any two ask for it.
    """

    subject: str
    tags: tuple[str, ...] = ()
    together: tuple[str, ...] = ()


class PromptAdvice(Part, frozen=True):
    """How the checkpoint wants its prompts. `order`: ranks of groups, first to last.

    foreign: words that other families of models were trained with. unstable: tags that come out
    with more than they say.
    """

    order: tuple[tuple[str, ...], ...] = ()
    several_homes: dict[str, tuple[str, ...]] = {}
    limit: int | None = None
    negative: str = ""
    overfit: tuple[Overfit, ...] = ()
    discouraged: tuple[Ban, ...] = ()
    foreign: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    quality: tuple[str, ...] = ()
    rating: tuple[str, ...] = ()
    year: tuple[str, ...] = ()
    source: str = ""


class Sampling(Part, frozen=True):
    """Sampler, scheduler and step defaults; `prediction` is epsilon or v-prediction."""

    sampler: str = "euler-a"
    scheduler: str = "automatic"
    steps: Range = Range(default=25)
    cfg: Range = Range(default=7)
    prediction: str = "epsilon"
    clip_skip: int | None = None
    source: str = ""


class Hires(Part, frozen=True):
    """Hires fix: upscaler card, scale factor, denoising strength."""

    upscaler: str = ""
    scale: Range = Range(default=2)
    denoise: Range = Range(default=0.5)
    steps: int = 0
    source: str = ""


class Detailer(Part, frozen=True):
    """One detailer pass: detector card and denoising strength."""

    detector: str
    denoise: float = 0.4
    source: str = ""


class ExpandAdvice(Part, frozen=True):
    """Which tag model goes with the checkpoint, how, and what it must not say."""

    tag_model: str = ""
    temperature: float = 0.7
    length: str = "short"
    ban: tuple[Ban, ...] = ()
    source: str = ""


class WeightFile(Part, frozen=True):
    """A file of weights. `role`: checkpoint, vae, unet…; `sha256` empty while it is not known."""

    name: str
    role: str = "checkpoint"
    sha256: str = ""
    source: str = ""


class Weights(Part, frozen=True):
    """Where the weights come from, one of three ways.

    folder: a folder of the project's `models`, or an absolute path.
    hub: a Hugging Face id (with `revision`), loaded only when the user names the card.
    random_seed: none exist; built from the config files of `folder` with this seed.
    """

    folder: str = ""
    hub: str = ""
    revision: str = ""
    random_seed: int | None = None


class Licence(Part, frozen=True):
    """Name of the licence and its terms, a sentence each."""

    name: str
    terms: tuple[str, ...] = ()
    source: str = ""


class ImageCard(Part, frozen=True):
    """Everything a checkpoint wants."""

    card: str
    name: str
    title: str = ""
    extends: str = ""
    summary: str = ""
    family: str = ""
    base: str = ""
    aliases: tuple[str, ...] = ()
    licence: Licence | None = None
    files: tuple[WeightFile, ...] = ()
    weights: Weights = Weights()
    improved: tuple[str, ...] = ()
    not_to_expect: tuple[str, ...] = ()
    known_issues: tuple[str, ...] = ()
    prompt: PromptAdvice = PromptAdvice()
    sampling: Sampling = Sampling()
    size: Sides = Sides()
    hires: Hires = Hires()
    detailer: tuple[Detailer, ...] = ()
    expand: ExpandAdvice = ExpandAdvice()
    severities: dict[str, Literal["error", "warning", "info", "off"]] = {}
    training: dict[str, Any] = {}
    sources: tuple[str, ...] = ()


class LengthTarget(Part, frozen=True):
    """The token that asks for a length, and the tags it stands for (people counts included)."""

    token: str
    minimum: int


class TagLayout(Part, frozen=True):
    """The text that the tag model was trained on.

    header: fields in order, each a line `field: value`; `empty` fills a field without a value.
    opening: begins the last line, which holds the tags and ends with `end_of_input`.
    """

    header: tuple[str, ...]
    opening: str = "general"
    empty: str = "<|empty|>"
    end_of_input: str = "<|input_end|>"
    separator: str = ", "


class TagSampling(Part, frozen=True):
    """Defaults of decoding; `max_new_tokens` counts what is kept and what is refused."""

    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int = 100
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 512
    source: str = ""


class TagCard(Part, frozen=True):
    """Everything a tag model wants."""

    card: str
    name: str
    title: str = ""
    extends: str = ""
    layout: TagLayout = TagLayout(header=())
    lengths: dict[str, LengthTarget] = {}
    summary: str = ""
    licence: Licence | None = None
    weights: Weights = Weights()
    files: tuple[WeightFile, ...] = ()
    sampling: TagSampling = TagSampling()
    known_issues: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


C = TypeVar("C", ImageCard, TagCard)


def image_card(name: str, folders: Sequence[Path] = ()) -> ImageCard:
    """The image card `name`, from the user's `folders`, else tagkit's own. Raises UserError."""
    return _card(name, ImageCard, "image", folders)


def tag_card(name: str, folders: Sequence[Path] = ()) -> TagCard:
    """The tag card `name`, from the user's `folders`, else tagkit's own. Raises UserError."""
    return _card(name, TagCard, "tag", folders)


def image_cards() -> dict[str, ImageCard]:
    """tagkit's own image cards by name."""
    return _shipped(ImageCard, "image")


def tag_cards() -> dict[str, TagCard]:
    """tagkit's own tag cards by name."""
    return _shipped(TagCard, "tag")


def recorded_card(settings: Mapping[str, str]) -> ImageCard | None:
    """tagkit's own card of the model that a record's settings name by hash or name, if any."""
    model, digest = settings.get("Model", "").lower(), settings.get("Model hash", "").lower()
    for card in image_cards().values():
        names = {card.name, *(alias.lower() for alias in card.aliases)}
        digests = {file.sha256[: len(digest)] for file in card.files if file.sha256 and digest}
        if model in names or digest in digests:
            return card
    return None


def _card(name: str, type_: type[C], kind: str, folders: Sequence[Path]) -> C:
    for folder in folders:
        if (folder / f"{name}.yaml").is_file():
            return msgspec.convert(_merged(folder / f"{name}.yaml", type_, kind, folders), type_)
    known: dict[str, C] = _shipped(type_, kind)
    if name not in known:
        raise UserError(f"there is no {kind} card `{name}`", "", nearest(name, [*known], "cards"))
    return known[name]


def _shipped(type_: type[C], kind: str) -> dict[str, C]:
    paths = sorted((data_folder("models") / kind).glob("*.yaml"))

    def make() -> dict[str, C]:
        return {path.stem: msgspec.convert(_merged(path, type_, kind, ()), type_) for path in paths}

    return compiled(paths, dict[str, type_], make, __version__)  # type: ignore[valid-type]


def _merged(
    path: Path, type_: type[C], kind: str, folders: Sequence[Path], seen: tuple[Path, ...] = ()
) -> dict[str, Any]:
    """The card's mapping laid over the mapping of the card that it extends."""
    if path in seen:
        raise UserError(f"card `{path.stem}` extends itself", str(path), "break the circle")
    read_yaml(path, type_)
    own = read_yaml(path, dict[str, Any])
    if own["card"] != kind or own["name"] != path.stem:
        wanted = f"card: {kind}, name: {path.stem}"
        raise UserError(f"card `{path.stem}` names itself wrongly", str(path), f"write `{wanted}`")
    if "extends" not in own:
        return own
    parent = _parent(own["extends"], kind, path, folders)
    return _laid_over(_merged(parent, type_, kind, folders, (*seen, path)), own)


def _parent(name: str, kind: str, child: Path, folders: Sequence[Path]) -> Path:
    for folder in (*folders, data_folder("models") / kind):
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise UserError(f"card `{child.stem}` extends `{name}`, which does not exist", str(child))


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Mappings merge, everything else replaces; an empty mapping clears what was inherited."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and value:
            value = _laid_over(old, value)
        merged[key] = value
    return merged
