"""Small copies of large pictures, for a gallery of thousands."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from tagkit.data import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from tagkit.rendering.job import Job

_FOLDER = ".tagkit/thumbnails"
_SIDE = 480
_WORTHWHILE = 768 * 768
_QUALITY = 80


def thumbnail_of(job: Job) -> str:
    """The place of a job's thumbnail in its output folder, "" for one that needs none."""
    large = max(job.width * job.height, job.hires.width * job.hires.height if job.hires else 0)
    return f"{_FOLDER}/{job.id}.webp" if large >= _WORTHWHILE else ""


def save_thumbnail(picture: npt.NDArray[np.uint8], job: Job, output: Path) -> None:
    """Writes the thumbnail of a picture (height, width, 3) if it is worthwhile."""
    from PIL import Image

    if not (place := thumbnail_of(job)):
        return
    image = Image.fromarray(picture)
    image.thumbnail((_SIDE, _SIDE), reducing_gap=2)
    content = BytesIO()
    image.save(content, "WEBP", quality=_QUALITY, method=2)
    write_atomically(output / place, content.getvalue())
