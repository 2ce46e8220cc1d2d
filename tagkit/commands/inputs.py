"""What commands take as arguments: files, folders, text, or `-` for stdin."""

from __future__ import annotations

import fnmatch
import os
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tagkit.documents import Document, decode_document, parse_document, read_document
from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"
PROMPT_FILES = (".txt",)
# What sd-scripts looks for beside a picture; the second is what it looks for if told nothing.
CAPTION_FILES = (".txt", ".caption")
TEXT = "<text>"
KNOWN_SUFFIXES = frozenset(
    ".txt .text .prompt .caption .yaml .yml .json .csv"
    " .png .jpg .jpeg .webp .avif .safetensors".split()
)
IMAGE_SUFFIXES = frozenset(".png .jpg .jpeg .webp .avif".split())
JOB_SUFFIXES = frozenset(".yaml .yml .json".split())
# What trainers take for a picture, whether or not tagkit reads it.
PICTURE_SUFFIXES = (*sorted(IMAGE_SUFFIXES), ".bmp", ".jxl")
_OFTEN = 8  # files of a folder, for which each picture that may be there is asked for


def named(arguments: Sequence[str], command: str) -> Sequence[str]:
    """The arguments, or stdin where there are none; on a terminal there is nothing to read."""
    if arguments:
        return arguments
    if sys.stdin is None or sys.stdin.isatty():
        raise UserError("there is nothing to read", "", f'tagkit {command} "1girl, smile"')
    return (STDIN,)


def expanded(arguments: Sequence[str], suffixes: Sequence[str] = PROMPT_FILES) -> Iterator[str]:
    """Folders become the files with these suffixes in them, sorted; those without any stay.

    A job file brings the files of prompts that it names.
    """
    for argument in arguments:
        if _is_folder(argument):
            found = _sorted_names(Path(argument), suffixes)
            before = str(Path(argument) / "x").removesuffix("x")
            yield from (f"{before}{name}" for name in found) if found else (argument,)
        elif is_job_file(argument):
            from tagkit.commands.job_prompts import job_uses

            yield from job_uses(Path(argument))
        else:
            yield argument


def _sorted_names(folder: Path, suffixes: Sequence[str]) -> list[str]:
    """Names of the files with these suffixes; training sets have too many for `Path.glob`."""
    names = _names_in(folder)
    return sorted(name for each in suffixes for name in fnmatch.filter(names, f"*{each}"))


def _names_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError:  # what cannot be read has none
        return []


class Pictures:
    """What lies beside text files. Folders that are asked about often are listed once for all."""

    def __init__(self) -> None:
        self._asked = Counter[Path]()
        self._stems = cache(_stems_of_pictures)

    def captioned_by(self, path: Path) -> bool:
        """Whether it is a caption file by its suffix, or a text file beside one of its name."""
        suffix = _suffix(path)
        if suffix != ".txt":
            return suffix == ".caption"
        folder = path.parent
        self._asked[folder] += 1
        if self._asked[folder] > _OFTEN:
            return path.stem in self._stems(folder)
        suffixes = (*PICTURE_SUFFIXES, *map(str.upper, PICTURE_SUFFIXES))
        return any(path.with_suffix(each).exists() for each in suffixes)


def _stems_of_pictures(folder: Path) -> frozenset[str]:
    parts = [name.rpartition(".") for name in _names_in(folder)]
    return frozenset(stem for stem, _, suffix in parts if f".{suffix.lower()}" in PICTURE_SUFFIXES)


def open_document(
    argument: str,
    split: str = "lines",
    *,
    captions: bool | None = False,
    pictures: Pictures | None = None,
) -> Document:
    """The document that an argument means. Raises UserError.

    captions: whether it holds captions; None if that is to be told by the pictures beside it.
    """
    if argument == STDIN:
        content = sys.stdin.buffer.read()
        return decode_document(content, "<stdin>", split, captions=bool(captions))
    path = Path(argument)
    suffix = _suffix(path)
    if _is_file(path):
        if suffix in IMAGE_SUFFIXES:
            return _image_document(path)
        if suffix in JOB_SUFFIXES:
            from tagkit.commands.job_prompts import job_document

            return job_document(path)
        if captions is None:
            captions = (pictures or Pictures()).captioned_by(path)
        return read_document(path, split, captions=captions)
    if _is_folder(argument):
        raise empty_folder(argument)
    if suffix in KNOWN_SUFFIXES:
        raise UserError(f"there is no file `{argument}`")
    document = parse_document(argument, TEXT, split, captions=bool(captions))
    if not document.records:
        raise UserError("the prompt is empty")
    return document


def empty_folder(folder: str) -> UserError:
    """The error for a folder that brings no files."""
    return UserError(f"folder `{folder}` has no *{' or *'.join(PROMPT_FILES)} file")


def is_file(argument: str) -> bool:
    """Whether the argument names an existing file; a long prompt is no file name."""
    return _is_file(Path(argument))


def is_job_file(argument: str) -> bool:
    """Whether the argument names an existing file that is a job file by its suffix."""
    return _suffix(Path(argument)) in JOB_SUFFIXES and is_file(argument)


def is_text(argument: str) -> bool:
    """Whether the argument is neither a file nor a folder: a prompt, or stdin."""
    return not is_file(argument) and not _is_folder(argument)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_folder(argument: str) -> bool:
    try:
        return bool(argument) and Path(argument).is_dir()  # an empty path is the current folder
    except (OSError, ValueError):
        return False


def _image_document(path: Path) -> Document:
    from tagkit.infotext import read_image

    document = parse_document(str(read_image(path)), str(path), "file")
    return msgspec.structs.replace(document, writable=False)


def _suffix(path: Path) -> str:
    return path.suffix.lower()
