"""One image to render, and the id that stands for its recipe."""

from __future__ import annotations

import hashlib

import msgspec

_ID_DIGITS = 20


class Tokens(msgspec.Struct, frozen=True):
    """CLIP tokens of both prompts."""

    positive: int
    negative: int


class Job(msgspec.Struct, frozen=True):
    """Everything that one image needs.

    id: a hash of all that decides the picture, None while a file it needs is missing.
    file: path in the output folder, parted by `/`. original: the prompt as the user wrote it.
    diagnostics: codes of what the rules still find in the prompts that are rendered.
    weights: SHA-256 of the model. checkpoint: what the user named instead of the card's weights.
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
    hires: None = None
    detailer: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()
    tokens: Tokens = Tokens(0, 0)
    diagnostics: tuple[str, ...] = ()
    rng: str = "cpu"
    prediction: str = "epsilon"
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
_DECIDING = ("prompt", "negative", "seed", "width", "height", "steps", "cfg", "sampler", "weights")
# Hashed only where they differ from these, so that ids outlive fields that come later.
_USUAL: dict[str, object] = {"rng": "cpu", "prediction": "epsilon"}


def recipe(job: Job) -> str:
    """All that decides the picture, as canonical JSON."""
    deciding = {name: getattr(job, name) for name in _DECIDING}
    unusual = {name: getattr(job, name) for name, usual in _USUAL.items()}
    unusual = {name: value for name, value in unusual.items() if value != _USUAL[name]}
    return msgspec.json.encode(deciding | unusual, order="sorted").decode()


def identified(job: Job) -> Job:
    """The job with its id, unless something it needs is missing."""
    if job.weights is None or job.unresolved:
        return job
    digest = hashlib.sha256(recipe(job).encode()).hexdigest()
    return msgspec.structs.replace(job, id=digest[:_ID_DIGITS])
