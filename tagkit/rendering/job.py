"""One image to render, and the id that stands for its recipe."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import msgspec

from tagkit.rendering.sampler_names import schedule_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# The folders of tagkit.yaml that hold files which a job may name.
Kind: TypeAlias = Literal["loras", "embeddings", "detectors", "vaes", "upscalers"]

_ID_DIGITS = 20


class Tokens(msgspec.Struct, frozen=True):
    """CLIP tokens of both prompts."""

    positive: int
    negative: int


class Lora(msgspec.Struct, frozen=True):
    """A LoRA or LyCORIS file: its strength on the UNet and on the text encoders, its SHA-256.

    a1111_hash: the one that an infotext names it by.
    """

    name: str
    weight: float = 1.0
    text_weight: float = 1.0
    digest: str | None = None
    a1111_hash: str = ""


class Embedding(msgspec.Struct, frozen=True):
    """A textual inversion that a prompt names, its vectors, and the SHA-256 of its file."""

    name: str
    digest: str | None = None
    vectors: int = 1


class LaterPass(msgspec.Struct, frozen=True, kw_only=True):
    """What each later pass may do in its own way; 0, None and empty: as the first pass does it."""

    steps: int = 0
    cfg: float | None = None
    sampler: str = ""
    scheduler: str = ""
    prompt: str = ""
    negative: str = ""


class HiresPass(LaterPass, frozen=True):
    """The second pass, at a larger size.

    upscaler: a card, a file, or one that needs none (`lanczos`, `latent`…); digest: SHA-256 of its
    file, "" where there is none. steps: UNet evaluations.
    """

    upscaler: str
    width: int
    height: int
    denoise: float
    digest: str | None = ""


class DetailerPass(LaterPass, frozen=True):
    """Finds faces or hands and draws each again, with ADetailer's settings and defaults.

    confidence: least score, 0 to 1. top_k: at most so many by `select`, 0 for all. min_ratio,
    max_ratio: share of the picture that a mask may cover. dilate, blur, padding and the offsets:
    pixels. width, height: of the drawn crop, 0 for the first pass's. prompt, negative: with
    `[SEP]`, `[SKIP]` and `[PROMPT]`.
    """

    detector: str
    denoise: float = 0.4
    confidence: float = 0.3
    top_k: int = 0
    select: str = "area"
    min_ratio: float = 0.0
    max_ratio: float = 1.0
    sort: str = "none"
    x_offset: int = 0
    y_offset: int = 0
    dilate: int = 4
    blur: int = 4
    only_masked: bool = True
    padding: int = 32
    width: int = 0
    height: int = 0
    digest: str | None = None


P = TypeVar("P", bound=LaterPass)


class Job(msgspec.Struct, frozen=True):
    """Everything that one image needs.

    id: a hash of all that decides the picture, None while a file it needs is missing.
    file: path in the output folder, parted by `/`. original: the prompt as the user wrote it.
    diagnostics: codes of what the rules still find in the prompts that are rendered.
    weights: SHA-256 of the model. checkpoint: what the user named instead of the card's weights.
    vae, vae_digest: another VAE than the checkpoint's. base: id of the job whose stored picture
    takes the place of the first pass.
    unresolved: why there is no id. refused: why it must not be rendered.
    """

    id: str | None
    index: int
    file: str
    prompt: str
    negative: str
    seed: int
    width: int
    height: int
    steps: int
    cfg: float
    sampler: str
    model: str
    hires: HiresPass | None = None
    detailer: tuple[DetailerPass, ...] = ()
    loras: tuple[Lora, ...] = ()
    tokens: Tokens = Tokens(0, 0)
    diagnostics: tuple[str, ...] = ()
    rng: str = "cpu"
    prediction: str = "epsilon"
    scheduler: str = "automatic"
    zero_snr: bool = False
    cfg_rescale: float = 0.0
    emphasis: str = "original"
    clip_skip: int | None = None
    embeddings: tuple[Embedding, ...] = ()
    vae: str = ""
    vae_digest: str | None = ""
    base: str = ""
    format: str = "png"
    weights: str | None = None
    checkpoint: str = ""
    original: str = ""
    unresolved: str = ""
    refused: str = ""

    def public(self) -> dict[str, object]:
        """What `--dry-run --format json` prints of it."""
        return {name: msgspec.to_builtins(getattr(self, name)) for name in _PUBLIC}


_PUBLIC = (
    "id", "index", "file", "prompt", "negative", "seed", "width", "height", "steps", "cfg",
    "sampler", "model", "hires", "detailer", "loras", "tokens", "diagnostics",
)  # fmt: skip
_FILES = (Lora, Embedding, HiresPass, DetailerPass)
_FILE_NAMES = ("name", "upscaler", "detector", "a1111_hash")
_DECIDING = ("prompt", "negative", "seed", "width", "height", "steps", "cfg", "sampler", "weights")
# Hashed only where they differ from these, so that ids outlive fields that come later.
_USUAL: dict[str, object] = {
    "rng": "cpu",
    "prediction": "epsilon",
    "scheduler": "automatic",
    "zero_snr": False,
    "cfg_rescale": 0.0,
    "emphasis": "original",
    "clip_skip": None,
    "embeddings": (),
    "vae_digest": "",
    "base": "",
    "hires": None,
    "detailer": (),
    "loras": (),
}


def recipe(job: Job) -> str:
    """All that decides the picture, as canonical JSON; what is said in two ways is said in one."""
    hires = _plain_pass(job.hires, job) if job.hires else None
    detailer = tuple(_plain_pass(each, job) for each in job.detailer)
    scheduler = schedule_of(job.sampler, job.scheduler)
    job = msgspec.structs.replace(job, hires=hires, detailer=detailer, scheduler=scheduler)
    deciding = {name: getattr(job, name) for name in _DECIDING}
    unusual = {
        name: _deciding(value)
        for name, usual in _USUAL.items()
        if (value := getattr(job, name)) != usual
    }
    return msgspec.json.encode(deciding | unusual, order="sorted").decode()


def _plain_pass(later: P, job: Job) -> P:
    """A later pass without what it says as the first one does."""
    sampler, cfg = later.sampler or job.sampler, job.cfg if later.cfg is None else later.cfg
    scheduler = schedule_of(sampler, later.scheduler or job.scheduler)
    usual = sampler == job.sampler and scheduler == schedule_of(job.sampler, job.scheduler)
    return msgspec.structs.replace(
        later,
        steps=0 if later.steps == job.steps else later.steps,
        cfg=None if cfg == job.cfg else cfg,
        sampler="" if sampler == job.sampler else sampler,
        scheduler="" if usual else scheduler,
    )


def first_pass(job: Job) -> Job:
    """The job of the picture that its later passes begin with; without id."""
    return msgspec.structs.replace(job, id=None, hires=None, detailer=(), base="")


def _deciding(value: object) -> object:
    """A file is known by its digest, not by its name, and what is usual goes unsaid."""
    if isinstance(value, tuple):
        return [_deciding(each) for each in value]
    if not isinstance(value, _FILES):
        return value
    said = {
        name: part
        for name, usual in _usual_values(type(value)).items()
        if (part := getattr(value, name)) != usual
    }
    return {name: said[name] for name in said if not (value.digest and name in _FILE_NAMES)}


@cache
def _usual_values(kind: type[msgspec.Struct]) -> dict[str, object]:
    """Fields and their defaults."""
    return {field.name: field.default for field in msgspec.structs.fields(kind)}


def needed_files(job: Job) -> Iterator[tuple[Kind, str, str | None]]:
    """Every file that the job needs beside its checkpoint: kind, name, digest."""
    yield from (("loras", each.name, each.digest) for each in job.loras)
    yield from (("embeddings", each.name, each.digest) for each in job.embeddings)
    yield from (("detectors", each.detector, each.digest) for each in job.detailer)
    if job.vae:
        yield "vaes", job.vae, job.vae_digest
    if job.hires and job.hires.digest != "":
        yield "upscalers", job.hires.upscaler, job.hires.digest


def identified(job: Job) -> Job:
    """The job with its id, unless something it needs is missing."""
    if job.weights is None or job.unresolved:
        return job
    digest = hashlib.sha256(recipe(job).encode()).hexdigest()
    return msgspec.structs.replace(job, id=digest[:_ID_DIGITS])
