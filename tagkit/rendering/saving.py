"""Pictures to files that carry their recipe as A1111 writes it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, PngImagePlugin

from tagkit.rendering.job_infotext import infotext
from tagkit.rendering.thumbnails import save_thumbnail

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from tagkit.rendering.job import Job

_COMPRESSION = 4
_QUALITY = 92
_EXIF_FOLDER, _USER_COMMENT = 0x8769, 0x9286
_UNICODE = b"UNICODE\0"
# EXIF lies in one segment of a JPEG file, whose length has two bytes.
_JPEG_TEXT_BYTES = 65_000


def save_picture(picture: npt.NDArray[np.uint8], job: Job, output: Path) -> Path:
    """Writes the picture (height, width, 3) to the job's file in `output`; the path of it.

    It is there as a whole or not at all: written beside its place, flushed to disk, renamed. A
    small copy for the gallery comes before it, so that what has a picture has all.
    """
    save_thumbnail(picture, job, output)
    path = output / job.file
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            _WRITERS[job.format](Image.fromarray(picture), str(infotext(job)), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _write_png(image: Image.Image, text: str, file: BinaryIO) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", text)
    image.save(file, "PNG", pnginfo=chunks, compress_level=_COMPRESSION)


def _write_jpeg(image: Image.Image, text: str, file: BinaryIO) -> None:
    """Colours at full resolution: flat areas with hard edges fray without it."""
    comment = _comment(text)
    if len(comment) > _JPEG_TEXT_BYTES:
        raise ValueError("the recipe is too long for a JPEG file; render it as png or webp")
    image.save(file, "JPEG", exif=_exif(image, comment), quality=_QUALITY, subsampling=0)


def _write_webp(image: Image.Image, text: str, file: BinaryIO) -> None:
    image.save(file, "WEBP", exif=_exif(image, _comment(text)), quality=_QUALITY)


def _comment(text: str) -> bytes:
    """EXIF's user comment, as piexif and so A1111 writes it."""
    return _UNICODE + text.encode("utf-16-be")


def _exif(image: Image.Image, comment: bytes) -> Image.Exif:
    exif = image.getexif()
    exif.get_ifd(_EXIF_FOLDER)[_USER_COMMENT] = comment
    return exif


_WRITERS: dict[str, Callable[[Image.Image, str, BinaryIO], None]] = {
    "png": _write_png,
    "jpeg": _write_jpeg,
    "webp": _write_webp,
}
