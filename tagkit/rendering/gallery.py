"""`index.html`: all pictures of an output folder, to be looked at from disk."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from tagkit.data import write_atomically

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tagkit.rendering.manifest import Row

FILE = "index.html"
_PLACE = '{"title": "", "images": []}'


def write_gallery(output: Path, rows: Sequence[Row]) -> None:
    """Writes the gallery of these jobs, whose pictures lie in `output`."""
    page = files("tagkit.rendering").joinpath("gallery.html").read_text("utf-8")
    images = [_image(row) for row in rows]
    content = {"title": output.resolve().name, "images": images}
    write_atomically(output / FILE, page.replace(_PLACE, _embedded(content), 1).encode())


def _image(row: Row) -> dict[str, object]:
    job = row.job
    return {
        "file": job.file,
        "prompt": job.prompt,
        "negative": job.negative,
        "seed": job.seed,
        "width": job.width,
        "height": job.height,
        "steps": job.steps,
        "cfg": job.cfg,
        "sampler": job.sampler,
        "model": job.model,
        "tokens": job.tokens.positive,
    }


def _embedded(content: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return msgspec.json.encode(content).decode().replace("<", "\\u003c")
