"""Pictures and their captions, found and checked before anything is trained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from PIL.Image import Image

    from tagkit.training.recipe import Pictures, Read

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".avif")
# The first is what taggers write, the second what sd-scripts looks for if told nothing.
CAPTIONS = (".txt", ".caption")
_REPEATS = re.compile(r"(\d+)_")
_NAMED_AT_MOST = 10
_ORIENTATION = 0x0112
_UPRIGHT = 1
_SIDEWAYS = (5, 6, 7, 8)


class Picture(msgspec.Struct, frozen=True):
    """A picture to learn from: its caption, its sides in pixels, how often an epoch shows it.

    caption_path: None where the recipe gives the caption. regular: of the regularisation set.
    """

    path: Path
    caption: str
    caption_path: Path | None
    width: int
    height: int
    repeats: int = 1
    regular: bool = False


class Problem(msgspec.Struct, frozen=True):
    """A file that cannot be used, and why."""

    path: Path
    why: str


def find_pictures(read: Read) -> tuple[Picture, ...]:
    """All pictures of a recipe, folder by folder, each in order of names.

    Raises one UserError that names every file that cannot be used.
    """
    found: list[Picture | Problem] = []
    for index, each in enumerate(read.recipe.data):
        repeats = each.repeats or _repeats_of(each)
        folder = _folder(read, each.folder, "data", index)
        found += _in_folder(folder, each.caption, read.recipe.buckets.min, repeats)
    regular = read.recipe.regularisation
    for index, name in enumerate(regular.folders):
        folder = _folder(read, name, "regularisation", "folders", index)
        found += [
            msgspec.structs.replace(each, regular=True) if isinstance(each, Picture) else each
            for each in _in_folder(folder, regular.class_token, read.recipe.buckets.min, 1)
        ]
    _refuse([each for each in found if isinstance(each, Problem)])
    return tuple(each for each in found if isinstance(each, Picture))


def _repeats_of(pictures: Pictures) -> int:
    """sd-scripts' way: `10_suzu` is seen ten times."""
    name = pictures.folder.replace("\\", "/").rstrip("/").rpartition("/")[2]
    found = _REPEATS.match(name)
    return max(int(found[1]), 1) if found else 1


def _folder(read: Read, name: str, *steps: str | int) -> Path:
    folder = read.found(name)
    if not folder.is_dir():
        hint = "folders count from the recipe's own"
        raise UserError(f"there is no folder `{folder}`", read.place(*steps), hint)
    if not any(each.suffix.lower() in PICTURES for each in folder.iterdir()):
        what = f"folder `{folder}` holds no pictures"
        raise UserError(what, read.place(*steps), f"pictures are {', '.join(PICTURES)}")
    return folder


def _in_folder(folder: Path, caption: str, least: int, repeats: int) -> Iterator[Picture | Problem]:
    files = sorted(folder.iterdir())
    stems = {path.with_suffix("") for path in files if path.suffix.lower() in PICTURES}
    for path in files:
        suffix = path.suffix.lower()
        if suffix in PICTURES:
            yield _picture(path, caption, least, repeats)
        elif suffix in CAPTIONS and path.with_suffix("") not in stems:
            yield Problem(path, "a caption without a picture")


def _picture(path: Path, caption: str, least: int, repeats: int) -> Picture | Problem:
    try:
        text, source = _caption_of(path, caption)
        width, height = _sides(path)
    except ValueError as error:
        return Problem(path, str(error))
    if min(width, height) < least:
        return Problem(path, f"{width}x{height} is too small; `buckets.min` is {least}")
    return Picture(path, text, source, width, height, repeats)


def _caption_of(path: Path, usual: str) -> tuple[str, Path | None]:
    """The first line of the file beside a picture, as sd-scripts reads it."""
    for suffix in CAPTIONS:
        file = path.with_suffix(suffix)
        if not file.is_file():
            continue
        try:
            lines = file.read_text(encoding="utf-8-sig").strip().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"its caption `{file.name}` is no UTF-8 text") from error
        if lines and lines[0].strip():
            return lines[0].strip(), file
        raise ValueError(f"its caption `{file.name}` is empty")
    if not usual:
        raise ValueError("a picture without a caption")
    return usual, None


def _sides(path: Path) -> tuple[int, int]:
    """Width and height as the picture is seen: a camera's turn is taken into account."""
    import PIL.Image

    try:
        with PIL.Image.open(path) as image:
            width, height = image.size
            turned = _orientation(image) in _SIDEWAYS
    except (OSError, PIL.Image.DecompressionBombError, SyntaxError) as error:
        raise ValueError("it cannot be read as a picture") from error
    return (height, width) if turned else (width, height)


def _orientation(image: Image) -> int:
    """How the picture is to be turned, as EXIF counts it. A PNG is not read whole to know it."""
    if image.format == "PNG" and "exif" not in image.info:
        return _UPRIGHT
    return int(image.getexif().get(_ORIENTATION, _UPRIGHT))


def _refuse(problems: Iterable[Problem]) -> None:
    named = [f"{each.path}: {each.why}" for each in problems]
    if not named:
        return
    count = f"{len(named)} file{'s' if len(named) > 1 else ''} of the training pictures"
    more = [f"and {len(named) - _NAMED_AT_MOST} more"] if len(named) > _NAMED_AT_MOST else []
    hint = (
        "mend or remove them; `caption:` in `data` serves pictures that have no file of their own"
    )
    raise UserError(f"{count} cannot be used", "\n".join([*named[:_NAMED_AT_MOST], *more]), hint)


def load_image(picture: Picture) -> Image:
    """The picture in RGB, turned upright, its transparent parts white.

    Raises UserError for one that is damaged behind its head.
    """
    import PIL.Image
    import PIL.ImageOps

    try:
        with PIL.Image.open(picture.path) as opened:
            turned = _orientation(opened) != _UPRIGHT
            upright = PIL.ImageOps.exif_transpose(opened) if turned else opened
            if upright.mode in ("RGB", "L"):
                return upright.convert("RGB")
            layered = upright.convert("RGBA")
            white = PIL.Image.new("RGBA", layered.size, "white")
            return PIL.Image.alpha_composite(white, layered).convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"`{picture.path}` cannot be read as a picture", reason) from error
