"""What a run and its worker processes say to one another: a line of JSON each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tagkit.rendering.job import Job
from tagkit.rendering.loading import Means, Model
from tagkit.rendering.manifest import Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO


class Setup(msgspec.Struct, frozen=True, tag=True):
    """The first message to a worker.

    number: of this worker, from 0. models: card, checkpoint, what to load. files: where LoRAs,
    embeddings, VAEs, upscalers and detectors lie, by their SHA-256. samples: jobs that together
    need all upscalers and detectors of the run, which are opened before the first picture.
    """

    number: int
    output: Path
    models: list[tuple[str, str, Model]]
    means: Means
    files: dict[str, Path]
    samples: list[Job] = []


class Work(msgspec.Struct, frozen=True, tag=True):
    """Jobs to render; bases: the stored pictures of the jobs that some of them go on from."""

    rows: list[Row]
    bases: dict[str, Path]


class Finish(msgspec.Struct, frozen=True, tag=True):
    """What is being drawn is finished, and nothing else begun."""


Order = Setup | Work | Finish


class Leased(msgspec.Struct, frozen=True, tag=True):
    """Jobs that are being drawn from now on, by id."""

    ids: list[str]


class Rendered(msgspec.Struct, frozen=True, tag=True):
    """The picture of a job lies in its place."""

    id: str


class Lost(msgspec.Struct, frozen=True, tag=True):
    """A job could not be rendered."""

    id: str
    error: str


class Shrunk(msgspec.Struct, frozen=True, tag=True):
    """Memory ran out; from now on at most `size` pictures are drawn at once."""

    size: int


class Idle(msgspec.Struct, frozen=True, tag=True):
    """The work is done, or was stopped; what was not begun of it is not leased."""


class Broken(msgspec.Struct, frozen=True, tag=True):
    """Nothing can be rendered here: a UserError."""

    what: str
    where: str
    hint: str


Answer = Leased | Rendered | Lost | Shrunk | Idle | Broken


def send(message: Order | Answer, pipe: IO[bytes]) -> None:
    """Writes one message."""
    pipe.write(msgspec.json.encode(message, enc_hook=str) + b"\n")
    pipe.flush()


def orders(pipe: IO[bytes]) -> Iterator[Order]:
    """What a worker is told, until the other end goes away."""
    yield from _received(pipe, Order)


def answers(pipe: IO[bytes]) -> Iterator[Answer]:
    """What a worker tells, until it goes away."""
    yield from _received(pipe, Answer)


def _received(pipe: IO[bytes], type_: Any) -> Iterator[Any]:
    decoder = msgspec.json.Decoder(type_, dec_hook=lambda _, value: Path(value))
    for line in pipe:
        # A last line without its end was cut off by a death.
        if line.endswith(b"\n"):
            yield decoder.decode(line)
