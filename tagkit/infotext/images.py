"""Where image files keep their generation data: PNG texts, EXIF, comments, hidden pixel bits."""

from __future__ import annotations

import struct
import warnings
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.extras import need
from tagkit.infotext.a1111 import read_infotext
from tagkit.infotext.comments import comment_text
from tagkit.infotext.png import SIGNATURE, png_texts
from tagkit.infotext.readers import read_texts
from tagkit.infotext.stealth import stealth_text
from tagkit.infotext.values import BrokenDataError, json_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

    from tagkit.infotext.a1111 import Infotext

_EXIF_FOLDER, _USER_COMMENT = 0x8769, 0x9286
# ComfyUI labels the texts it puts into EXIF: `prompt:{…}`, `workflow:{…}`.
_LABELS = ("prompt", "workflow")
# What PIL raises for broken files, beside its own errors.
_BROKEN = (
    OSError, ValueError, SyntaxError, TypeError, LookupError, AttributeError, ArithmeticError,
    EOFError, MemoryError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip


def read_image(path: Path | str) -> Infotext:
    """The generation data of a PNG, JPEG, WebP, AVIF or GIF file.

    Raises UserError for a file that is no image, for an image that carries none, and for data
    that cannot be read.
    """
    try:
        info = _read(Path(path))
    except BrokenDataError as error:
        raise UserError(f"cannot read the data of `{path}`", str(error)) from error
    if info is None:
        hint = "programs that edit or share pictures often remove it"
        raise UserError(f"`{path}` carries no generation data", "", hint)
    return info


def _read(path: Path) -> Infotext | None:
    """Asks the places one by one: opening the pixels comes last."""
    texts = _chunk_texts(path)
    return (
        read_texts(texts)
        or _prompt_alone(texts)
        or read_texts(_exif_texts(path))
        or read_texts(_hidden_texts(path))
    )


def _chunk_texts(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            return png_texts(file) if file.read(len(SIGNATURE)) == SIGNATURE else {}
    except OSError as error:
        raise UserError(f"cannot read `{path}`", error.strerror or str(error)) from error


def _prompt_alone(texts: dict[str, str]) -> Infotext | None:
    """A PNG text `parameters` without settings; an EXIF comment without them is a camera's."""
    text = texts.get("parameters", "").strip()
    return read_infotext(text) if text else None


def _exif_texts(path: Path) -> dict[str, str]:
    """Texts of the EXIF block, and the comment of a JPEG or GIF file."""
    with _opened(path) as image:
        exif = image.getexif()
        comment = exif.get_ifd(_EXIF_FOLDER).get(_USER_COMMENT) or image.info.get("comment")
        values = [value for value in exif.values() if isinstance(value, str)]
    texts = _unpacked(_decoded(comment)) if comment else {}
    for value in values:
        label, colon, text = value.partition(":")
        if colon and label.lower() in _LABELS:
            texts.setdefault(label.lower(), text)
    return texts


def _hidden_texts(path: Path) -> dict[str, str]:
    with _opened(path) as image:
        text = stealth_text(image)
    return _unpacked(text) if text else {}


def _decoded(comment: object) -> str:
    return comment_text(comment) if isinstance(comment, bytes) else str(comment)


def _unpacked(text: str) -> dict[str, str]:
    """A text alone is A1111's; NovelAI packs all that a PNG would say into one JSON object."""
    packed = json_object(text) or {}
    if isinstance(packed.get("Comment"), str):
        return {key: value for key, value in packed.items() if isinstance(value, str)}
    return {"parameters": text}


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The image opened by PIL. Raises UserError, also for what goes wrong while it is read."""
    need("render", "PIL")
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Sizes are no danger here: pixels are decoded only within bounds.
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                yield image
    except (*_BROKEN, Image.DecompressionBombError) as error:
        raise UserError(f"cannot read `{path}` as an image", str(error)) from error
