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
from tagkit.rendering.fields import UNSAID, Fields, Negative, problems, with_off
from tagkit.rendering.recorded import recorded_fields
from tagkit.typed_yaml import parse_yaml, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import yaml

    from tagkit.documents import Record

JOB_SUFFIXES = (".yaml", ".yml", ".json")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
Scalar = str | int | float | bool
Steps = tuple[str | int, ...]


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
    matrix: dict[str, Annotated[tuple[Scalar, ...], Meta(min_length=1)]] = {}


class Request(msgspec.Struct, frozen=True):
    """A prompt and what is said of it.

    layers: fields, the later ones winning. cells: the matrix, one set of fields a combination.
    place: where it stands, for messages.
    """

    prompt: str
    layers: tuple[Fields, ...]
    cells: tuple[Fields, ...]
    place: str


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
        requests = [_recorded(read_image(path), UNSAID, UNSAID, (UNSAID,), str(path))]
    else:
        requests = list(_file_requests(path, UNSAID, UNSAID, (UNSAID,)))
    return Source(path, tuple(requests), _digest([path]))


def parse_overrides(settings: Sequence[str]) -> Fields:
    """`key=value` texts, the values written as in a job file. Raises UserError."""
    lines = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            hint = "--set cfg=6"
            raise UserError(f"`--set {setting}` is no `key=value`", "", hint)
        lines.append(f"{key.strip()}: {value}")
    fields = parse_yaml("\n".join(lines), Fields, "--set")
    for _, problem in problems(fields):
        raise UserError(problem, "--set")
    return with_off(fields)


def _job_file(path: Path) -> Source:
    text = read_text(path)
    file = parse_yaml(text, JobFile, str(path))
    reader = _Reader(path, text)
    base = with_off(reader.checked(file.defaults, ("defaults",)))
    if file.model and not base.model:
        base = msgspec.structs.replace(base, model=file.model)
    cells = tuple(reader.cells(file.matrix))
    requests: list[Request] = []
    files = [path]
    for index, entry in enumerate(file.prompts):
        steps: Steps = ("prompts", index)
        place = reader.place(steps)
        if isinstance(entry, str):
            requests.append(_text_request(entry, base, UNSAID, cells, place))
            continue
        own = _own_fields(with_off(reader.checked(entry, steps)))
        if (entry.prompt is None) == (entry.file is None):
            raise UserError(f"`{place}` needs a prompt or a file, and not both", place)
        if entry.prompt is not None:
            requests.append(_text_request(entry.prompt, base, own, cells, place))
        else:
            files.append(path.parent / str(entry.file))
            requests += _file_requests(files[-1], base, own, cells)
    return Source(path, tuple(requests), _digest(files))


def _own_fields(entry: Fields) -> Fields:
    return Fields(**{name: getattr(entry, name) for name in Fields.__struct_fields__})


def _file_requests(
    path: Path, base: Fields, own: Fields, cells: tuple[Fields, ...]
) -> Iterator[Request]:
    for record in read_document(path).records:
        yield _request(record, base, own, cells, f"{path}:{record.line}")


def _text_request(
    text: str, base: Fields, own: Fields, cells: tuple[Fields, ...], place: str
) -> Request:
    return _request(parse_record(text), base, own, cells, place)


def _request(
    record: Record, base: Fields, own: Fields, cells: tuple[Fields, ...], place: str
) -> Request:
    if record.settings:
        info = Infotext(record.positive, record.negative, parse_settings(record.settings))
        return _recorded(info, base, own, cells, place)
    said = Fields(negative=record.negative)
    return Request(record.positive, (base, said, own), cells, place)


def _recorded(
    info: Infotext, base: Fields, own: Fields, cells: tuple[Fields, ...], place: str
) -> Request:
    """A picture that was made before is made again as it was: nothing fixed, nothing added."""
    as_it_was = Fields(negative=Negative(info.negative or "", "none"), fix="off", expand="off")
    said = recorded_fields(info.settings, place)
    return Request(info.prompt, (base, as_it_was, said, own), cells, place)


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


class _Reader:
    """Checks what types cannot, and knows the line of everything."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text

    def place(self, steps: Steps) -> str:
        return f"{self._path}:{_line(self._text, steps)}"

    def checked(self, fields: Fields, steps: Steps) -> Fields:
        for name, problem in problems(fields):
            raise UserError(problem, self.place((*steps, name)))
        return fields

    def cells(self, matrix: dict[str, tuple[Scalar, ...]]) -> Iterator[Fields]:
        columns = [
            [self._cell(key, index, value) for index, value in enumerate(values)]
            for key, values in matrix.items()
        ]
        for combination in product(*columns):
            yield msgspec.convert(dict(combination), Fields)

    def _cell(self, key: str, index: int, value: Scalar) -> tuple[str, object]:
        steps: Steps = ("matrix", key, index)
        try:
            fields = msgspec.convert({key: value}, Fields)
        except msgspec.ValidationError as error:
            raise self._wrong_cell(key, error) from error
        return key, getattr(with_off(self.checked(fields, steps[:-1])), key)

    def _wrong_cell(self, key: str, error: msgspec.ValidationError) -> UserError:
        """The same words that the reader of files has for a field."""
        from tagkit.typed_yaml import nearest

        place = self.place(("matrix", key))
        if key not in Fields.__struct_fields__:
            hint = nearest(key, sorted(Fields.__struct_fields__), "keys")
            return UserError(f"unknown key `{key}` in `matrix` of `{self._path}`", place, hint)
        problem = str(error).partition(" - at ")[0]
        return UserError(f"`matrix.{key}` in `{self._path}`: {problem.lower()}", place)


def _line(text: str, steps: Steps) -> int:
    """The line of the value at the end of `steps`, or of the last step that exists."""
    import yaml

    node: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    line = 1
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == step]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
    return line
