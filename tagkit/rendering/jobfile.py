"""Job files, prompt files and images to requests: prompts with all that is said of them."""

from __future__ import annotations

import hashlib
from functools import reduce
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from tagkit.cards import Speed
from tagkit.documents import parse_record, read_document
from tagkit.errors import UserError
from tagkit.infotext import Infotext, parse_settings, read_image
from tagkit.rendering.blocks import Negative, laid_over
from tagkit.rendering.fields import (
    FIELD_NAMES,
    MOST_IMAGES,
    UNSAID,
    Fields,
    Overrides,
    checked,
    merged,
    normal,
    problems,
)
from tagkit.rendering.job import Job
from tagkit.rendering.recorded import recorded_fields, recorded_hashes
from tagkit.typed_yaml import Steps, converted, nearest, parse_yaml, place_of, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.documents import Record

F = TypeVar("F", bound=Fields)

JOB_SUFFIXES = (".yaml", ".yml", ".json")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


class Entry(Fields, frozen=True, forbid_unknown_fields=True):
    """One item of `prompts`: a prompt or a file of prompts, with fields of its own."""

    prompt: str | None = None
    file: str | None = None


class JobFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A job file as it is written."""

    prompts: Annotated[tuple[str | Entry, ...], Meta(min_length=1)]
    version: Literal[1] = 1
    model: str | None = None
    defaults: Fields = Fields()
    matrix: dict[str, object] = {}


class Origin(msgspec.Struct, frozen=True):
    """Where a request comes from: a file, the way to it in a job file, its place in a text."""

    path: Path
    steps: Steps = ()
    record: str = ""

    def place(self, field: str = "") -> str:
        """`file:line` of the request, or of what says its `field`."""
        if not self.steps:
            return self.record or str(self.path)
        if not field:
            return self.record or place_of(self.path, self.steps)
        own = (("matrix", field), (*self.steps, field), ("defaults", field), (field,))
        return place_of(self.path, *own, self.steps)


class Request(msgspec.Struct, frozen=True):
    """A prompt and what is said of it.

    layers: fields, the later ones winning. cells: the matrix, one set of fields a combination.
    recorded: the prompt is that of a picture, so nothing is drawn for it. hashes: LoRAs by name and
    hash that a record names. base: the job whose stored picture may be gone on from. checkpoint:
    what it was rendered with instead of the card's weights. made_with: name and hash of the model
    of a record, where no card is known by them.
    """

    prompt: str
    layers: tuple[Fields, ...]
    cells: tuple[Fields, ...]
    origin: Origin
    recorded: bool = False
    hashes: tuple[tuple[str, str], ...] = ()
    base: Job | None = None
    checkpoint: str = ""
    made_with: tuple[str, str] = ("", "")


class Source(msgspec.Struct, frozen=True):
    """The requests of one file; `digest` changes with every byte that they come from."""

    path: Path
    requests: tuple[Request, ...]
    digest: str


def read_source(path: Path) -> Source:
    """A job file, an image to render again, or any other text as a prompt file.

    Raises UserError with file, line and the nearest valid key.
    """
    suffix = path.suffix.lower()
    if suffix in JOB_SUFFIXES:
        return _job_file(path)
    if suffix in IMAGE_SUFFIXES:
        requests = [_recorded(read_image(path), UNSAID, UNSAID, (UNSAID,), Origin(path))]
    else:
        requests = list(_file_requests(path, UNSAID, UNSAID, (UNSAID,), Origin(path)))
    return Source(path, tuple(requests), _digest([path]))


def parse_overrides(settings: Sequence[str]) -> Overrides:
    """`key=value` texts, the values written as in a job file. Raises UserError.

    `hires.denoise=0.4` says one key of a mapping and leaves the others.
    """
    said = [_override(setting) for setting in settings]
    speed = reduce(laid_over, (each.speed for each in said), Speed())
    return Overrides(**{**msgspec.structs.asdict(merged(*said)), "speed": speed})


def _override(setting: str) -> Overrides:
    key, equals, value = setting.partition("=")
    name = f"--set {setting}"
    if not equals:
        raise UserError(f"`{name}` is no `key=value`", "", "--set cfg=6")
    block, dot, inner = key.strip().partition(".")
    text = f"{block}:\n  {inner}: {value}" if dot else f"{block}: {value}"
    return checked(parse_yaml(text, Overrides, name), name)


def _job_file(path: Path) -> Source:
    text = read_text(path)
    file = parse_yaml(text, JobFile, str(path))
    reader = _Reader(path)
    base = reader.checked(file.defaults, ("defaults",))
    if file.model and not base.model:
        base = msgspec.structs.replace(base, model=file.model)
    cells = tuple(reader.cells(file.matrix))
    requests: list[Request] = []
    files = [path]
    for index, entry in enumerate(file.prompts):
        origin = Origin(path, ("prompts", index))
        if isinstance(entry, str):
            requests.append(_request(parse_record(entry), base, UNSAID, cells, origin))
            continue
        own = _own_fields(reader.checked(entry, origin.steps))
        if (entry.prompt is None) == (entry.file is None):
            raise UserError("an entry needs a prompt or a file, and not both", origin.place())
        if entry.prompt is not None:
            requests.append(_request(parse_record(entry.prompt), base, own, cells, origin))
        else:
            files.append(path.parent / str(entry.file))
            requests += reader.requests(files[-1], base, own, cells, origin)
    return Source(path, tuple(requests), _digest(files))


def _own_fields(entry: Fields) -> Fields:
    return Fields(**{name: getattr(entry, name) for name in FIELD_NAMES})


def _file_requests(
    path: Path, base: Fields, own: Fields, cells: tuple[Fields, ...], origin: Origin
) -> Iterator[Request]:
    for record in read_document(path).records:
        place = f"{path}:{record.line}"
        yield _request(record, base, own, cells, msgspec.structs.replace(origin, record=place))


def _request(
    record: Record, base: Fields, own: Fields, cells: tuple[Fields, ...], origin: Origin
) -> Request:
    if record.settings:
        info = Infotext(record.positive, record.negative, parse_settings(record.settings))
        return _recorded(info, base, own, cells, origin)
    said = Fields(negative=record.negative)
    return Request(record.positive, (base, said, own), cells, origin)


def _recorded(
    info: Infotext, base: Fields, own: Fields, cells: tuple[Fields, ...], origin: Origin
) -> Request:
    """A picture that was made before is made again as it was: nothing fixed, nothing added."""
    as_it_was = unchanged_words(info.negative or "")
    said = recorded_fields(info.settings, origin.place())
    layers, hashes = (base, as_it_was, said, own), recorded_hashes(info.settings)
    named = (info.settings.get("Model", ""), info.settings.get("Model hash", ""))
    made_with = ("", "") if said.model or own.model else named
    return Request(
        info.prompt, layers, cells, origin, recorded=True, hashes=hashes, made_with=made_with
    )


def unchanged_words(negative: str) -> Fields:
    """Nothing is fixed, completed or styled, and no pass is added."""
    exact = Negative(negative, "none")
    return Fields(negative=exact, fix="off", expand="off", styles=(), hires="off", detailer="off")


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class _Reader:
    """Checks what types cannot, and says where."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def checked(self, fields: F, steps: Steps) -> F:
        for name, problem in problems(fields):
            raise UserError(problem, place_of(self._path, (*steps, name)))
        return normal(fields)

    def requests(
        self, path: Path, base: Fields, own: Fields, cells: tuple[Fields, ...], origin: Origin
    ) -> list[Request]:
        """Those of a file that an entry names: a text of prompts, or a picture."""
        place = place_of(self._path, (*origin.steps, "file"))
        try:
            if path.suffix.lower() in JOB_SUFFIXES:
                raise UserError(f"`{path}` is a job file, and not a file of prompts")
            if path.suffix.lower() in IMAGE_SUFFIXES:
                return [_recorded(read_image(path), base, own, cells, origin)]
            return list(_file_requests(path, base, own, cells, origin))
        except UserError as error:
            where = "\n".join(each for each in (error.where, f"named in {place}") if each)
            raise UserError(error.what, where, error.hint) from error

    def cells(self, matrix: dict[str, object]) -> Iterator[Fields]:
        """Every combination, the last key changing fastest."""
        columns = [list(self._column(key, values)) for key, values in matrix.items()]
        if (number := prod(map(len, columns))) > MOST_IMAGES:
            what = f"`matrix` has {number:,} combinations; {MOST_IMAGES:,} are the most"
            raise UserError(what, place_of(self._path, ("matrix",)))
        return (merged(*combination) for combination in product(*columns))

    def _column(self, key: str, values: object) -> Iterator[Fields]:
        if not isinstance(values, list) or not values:
            what = f"`matrix.{key}` in `{self._path}`: it must be a list of values"
            raise UserError(what, place_of(self._path, ("matrix", key)), f"{key}: [1, 2]")
        for index, value in enumerate(values):
            yield self._cell(key, index, value)

    def _cell(self, key: str, index: int, value: object) -> Fields:
        """One value of a field, or of a key in one: `hires.denoise`."""
        steps = ("matrix", key, index)
        block, dot, inner = key.partition(".")
        if block not in FIELD_NAMES:
            hint = nearest(block, sorted(FIELD_NAMES), "keys")
            what = f"unknown key `{key}` in `matrix` of `{self._path}`"
            raise UserError(what, place_of(self._path, steps), hint)
        cell = {block: {inner: value} if dot else value}
        try:
            fields = converted(cell, Fields, f"matrix.{key}")
        except UserError as error:
            what = f"{error.what} of `{self._path}`"
            raise UserError(what, place_of(self._path, steps), error.hint) from error
        for _, problem in problems(fields):
            raise UserError(problem, place_of(self._path, steps))
        return normal(fields)
