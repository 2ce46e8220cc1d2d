"""`index.html`: all pictures of an output folder, to be looked at from disk."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from tagkit.data import write_atomically
from tagkit.rendering.disk import of_disk
from tagkit.rendering.events import Done
from tagkit.rendering.thumbnails import thumbnail_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tagkit.rendering.events import Event, Watch
    from tagkit.rendering.job import Job
    from tagkit.rendering.manifest import Row

FILE = "index.html"
_PAGE = "gallery.html"
_PARTS = {
    "/* style */": ("gallery.css",),
    "/* script */": ("data.js", "grid.js", "table.js", "viewer.js", "page.js"),
}
_PLACE = "/* data */{}"
# While pictures come, the page is written anew at most so often, and for at most this share of the
# time.
_SECONDS = 10.0
_SHARE = 0.02
# Said of a picture, and not settings that one would filter or sort by.
_WORDS = ("id", "index", "file", "prompt", "negative", "tokens", "diagnostics", "embeddings",
          "weights", "original", "unresolved", "refused", "vae_digest", "prediction", "zero_snr",
          "base")  # fmt: skip


class Gallery:
    """The page of one output folder, kept up to date while pictures come.

    pictures: what it shows, in order. clock: seconds.
    """

    def __init__(
        self, output: Path, pictures: Callable[[], Sequence[Row]], clock: Callable[[], float]
    ) -> None:
        self._output = output
        self._pictures = pictures
        self._clock = clock
        self._next = clock() + _SECONDS

    def write(self) -> None:
        """Writes the page. Raises UserError where the disk takes nothing more."""
        began = self._clock()
        try:
            write_gallery(self._output, self._pictures())
        except OSError as error:
            raise of_disk(error, self._output) or error from error
        ended = self._clock()
        self._next = ended + max(_SECONDS, (ended - began) / _SHARE)

    def watching(self, watch: Watch) -> Watch:
        """Hears what `watch` hears, and writes the page when it is time for it."""

        def hear(event: Event) -> None:
            watch(event)
            if isinstance(event, Done) and self._clock() >= self._next:
                self.write()

        return hear

    @contextmanager
    def kept(self) -> Iterator[None]:
        """However what stands inside ends, the page shows every picture; it tells of that end."""
        try:
            yield
        except BaseException:
            with suppress(Exception):
                self.write()
            raise
        self.write()


def write_gallery(output: Path, rows: Sequence[Row]) -> None:
    """Writes the gallery of these jobs, whose pictures lie in `output`."""
    write_atomically(output / FILE, page(output, [row.job for row in rows]).encode())


def page(output: Path, jobs: Sequence[Job]) -> str:
    """The page as HTML. Texts stand in it once, settings that all share too."""
    own = [dict(_settings(job)) for job in jobs]
    common = {key: value for key, value in (own[0].items() if own else ()) if _shared(key, own)}
    texts: dict[str, int] = {}
    content = {
        "title": output.resolve().name,
        "common": common,
        "images": [
            _image(job, said, common, texts, output) for job, said in zip(jobs, own, strict=True)
        ],
        "texts": list(texts),
    }
    text = _resource(_PAGE)
    for place, names in _PARTS.items():
        text = text.replace(place, "\n".join(map(_resource, names)), 1)
    return text.replace(_PLACE, _embedded(content), 1)


def _image(
    job: Job,
    said: Mapping[str, object],
    common: Mapping[str, object],
    texts: dict[str, int],
    output: Path,
) -> dict[str, object]:
    sides = (job.hires.width, job.hires.height) if job.hires else (job.width, job.height)
    small = thumbnail_of(job)
    return {
        "file": job.file,
        "small": small if small and (output / small).is_file() else "",
        "sides": sides,
        "prompt": texts.setdefault(job.prompt, len(texts)),
        "negative": texts.setdefault(job.negative, len(texts)),
        "settings": {key: value for key, value in said.items() if key not in common},
    }


def _settings(job: Job) -> Iterator[tuple[str, object]]:
    """Everything that may differ between pictures, mappings as `hires.denoise`."""
    yield "size", f"{job.width}x{job.height}"
    said = msgspec.structs.asdict(job)
    for key, value in said.items():
        if key in ("width", "height", "checkpoint", "loras", "detailer", "hires"):
            continue
        if key not in _WORDS and value not in (None, ""):
            yield key, value
    if job.checkpoint:
        yield "checkpoint", job.checkpoint.replace("\\", "/").rpartition("/")[2]
    yield "hires", job.hires.upscaler if job.hires else "off"
    if job.hires:
        yield "hires.size", f"{job.hires.width}x{job.hires.height}"
        yield from _part("hires", job.hires, ("upscaler", "width", "height"))
    yield "detailer", ", ".join(each.detector for each in job.detailer) or "off"
    for number, each in enumerate(job.detailer, 1):
        yield from _part("detailer" if number == 1 else f"detailer{number}", each, ("detector",))
    yield "loras", ", ".join(f"{each.name}:{each.weight:g}" for each in job.loras) or "none"
    yield "tokens", job.tokens.positive


def _part(name: str, later: msgspec.Struct, but: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    usual = {field.name: field.default for field in msgspec.structs.fields(type(later))}
    for key, value in msgspec.structs.asdict(later).items():
        if key not in ("digest", *but) and value not in (None, "") and value != usual[key]:
            yield f"{name}.{key}", value


def _shared(key: str, own: Sequence[Mapping[str, object]]) -> bool:
    return all(each.get(key) == own[0][key] for each in own)


def _resource(name: str) -> str:
    return files("tagkit.rendering").joinpath("page").joinpath(name).read_text("utf-8")


def _embedded(content: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return msgspec.json.encode(content).decode().replace("<", "\\u003c")
