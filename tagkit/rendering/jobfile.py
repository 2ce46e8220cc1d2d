"""Job files, prompt files and images to requests: prompts with all that is said of them."""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from tagkit.documents import parse_record, read_document
from tagkit.errors import UserError
from tagkit.infotext import Infotext, parse_settings, read_image
from tagkit.rendering.fields import (
    FIELD_NAMES,
    UNSAID,
    Fields,
    Negative,
    checked,
    merged,
    problems,
    with_off,
)
from tagkit.rendering.recorded import recorded_fields
from tagkit.typed_yaml import Steps, nearest, parse_yaml, place_of, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.documents import Record

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
    recorded: the prompt is that of a picture, so nothing is drawn for it.
    """

    prompt: str
    layers: tuple[Fields, ...]
    cells: tuple[Fields, ...]
    origin: Origin
    recorded: bool = False


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


def parse_overrides(settings: Sequence[str]) -> Fields:
    """`key=value` texts, the values written as in a job file. Raises UserError."""
    return merged(*(_override(setting) for setting in settings))


def _override(setting: str) -> Fields:
    key, equals, value = setting.partition("=")
    name = f"--set {setting}"
    if not equals:
        raise UserError(f"`{name}` is no `key=value`", "", "--set cfg=6")
    return checked(parse_yaml(f"{key.strip()}: {value}", Fields, name), name)


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
            requests += _file_requests(files[-1], base, own, cells, origin)
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
    as_it_was = Fields(negative=Negative(info.negative or "", "none"), fix="off", expand="off")
    said = recorded_fields(info.settings, origin.place())
    return Request(info.prompt, (base, as_it_was, said, own), cells, origin, recorded=True)


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class _Reader:
    """Checks what types cannot, and says where."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def checked(self, fields: Fields, steps: Steps) -> Fields:
        for name, problem in problems(fields):
            raise UserError(problem, place_of(self._path, (*steps, name)))
        return with_off(fields)

    def cells(self, matrix: dict[str, object]) -> Iterator[Fields]:
        columns = [list(self._column(key, values)) for key, values in matrix.items()]
        for combination in product(*columns):
            yield msgspec.convert(dict(combination), Fields)

    def _column(self, key: str, values: object) -> Iterator[tuple[str, object]]:
        if not isinstance(values, list) or not values:
            what = f"`matrix.{key}` in `{self._path}`: it must be a list of values"
            raise UserError(what, place_of(self._path, ("matrix", key)), f"{key}: [1, 2]")
        for index, value in enumerate(values):
            yield key, self._cell(key, index, value)

    def _cell(self, key: str, index: int, value: object) -> object:
        place = place_of(self._path, ("matrix", key, index))
        if key not in FIELD_NAMES:
            hint = nearest(key, sorted(FIELD_NAMES), "keys")
            raise UserError(f"unknown key `{key}` in `matrix` of `{self._path}`", place, hint)
        try:
            fields = msgspec.convert({key: value}, Fields)
        except msgspec.ValidationError as error:
            problem = str(error).partition(" - at ")[0]
            what = f"`matrix.{key}` in `{self._path}`: {problem[0].lower()}{problem[1:]}"
            raise UserError(what, place) from error
        return getattr(self.checked(fields, ("matrix",)), key)
