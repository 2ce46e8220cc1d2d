"""Hashes that infotexts and Civitai name model files by.

Whole files: A1111's `Model hash` (Civitai's AutoV2) and `TI hashes`. LoRAs are named by a hash of
their tensors alone, so that editing their description changes nothing: A1111's `Lora hashes`,
Civitai's AutoV3, "addnet" after the extension that began it. Compare without regard to case.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import msgspec

from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BLOCK = 1 << 22
_AUTOV1_START, _AUTOV1_LENGTH = 0x100000, 0x10000
# A safetensors file begins with the length of its JSON header, eight bytes, lowest first.
_LENGTH_BYTES = 8
_MOST_HEADER = 100_000_000


T = TypeVar("T")
_HeaderParts = dict[str, dict[str, object]]


class _Header(msgspec.Struct, frozen=True):
    metadata: dict[str, str] = msgspec.field(name="__metadata__", default={})


def sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal. Raises UserError if it cannot be read."""
    return _of(path, _digest)


def model_hash(path: Path) -> str:
    """`Model hash`, `VAE hash`, AutoV2: the first 10 digits of the file's SHA-256."""
    return sha256(path)[:10]


def embedding_hash(path: Path) -> str:
    """`TI hashes`: the first 12 digits of the file's SHA-256."""
    return sha256(path)[:12]


def old_model_hash(path: Path) -> str:
    """AutoV1, before 2023: 8 digits of the SHA-256 of 64 KiB at 1 MiB; different files share it."""
    return _of(path, _autov1)[:8]


def tensors_hash(path: Path) -> str:
    """AutoV3: 12 digits of the SHA-256 of a safetensors file without length and header.

    Raises UserError for a file that is no safetensors file.
    """
    return _of(path, _without_header)[:12]


def lora_hash(path: Path) -> str:
    """`Lora hashes` as A1111 writes them.

    That is the hash that the trainer put into the file (`sshs_model_hash`), else that of the
    tensors, else, for files of other kinds, that of the file; 12 digits.
    """
    if path.suffix.lower() != ".safetensors":
        return embedding_hash(path)
    return _of(path, _trained_hash)[:12] or tensors_hash(path)


def safetensors_header(path: Path) -> dict[str, dict[str, object]]:
    """What a safetensors file says of its tensors by name, and of itself as `__metadata__`.

    Raises UserError for a file that is no safetensors file.
    """
    return _of(path, lambda file: msgspec.json.decode(_header(file), type=_HeaderParts))


def _of(path: Path, digest: Callable[[BinaryIO], T]) -> T:
    try:
        with path.open("rb") as file:
            return digest(file)
    except OSError as error:
        raise UserError(f"cannot read `{path}`", error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"`{path}` is no safetensors file", str(error)) from error


def _digest(file: BinaryIO) -> str:
    """SHA-256 of what is left of an open file."""
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _autov1(file: BinaryIO) -> str:
    file.seek(_AUTOV1_START)
    return hashlib.sha256(file.read(_AUTOV1_LENGTH)).hexdigest()


def _without_header(file: BinaryIO) -> str:
    _header(file)
    return _digest(file)


def _trained_hash(file: BinaryIO) -> str:
    return msgspec.json.decode(_header(file), type=_Header).metadata.get("sshs_model_hash", "")


def _header(file: BinaryIO) -> bytes:
    """The header of a safetensors file, which is then read up to its tensors."""
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if not 0 < length <= _MOST_HEADER:
        raise ValueError(f"a header of {length} bytes")
    header = file.read(length)
    if len(header) < length or header[:1] != b"{":
        raise ValueError("it has no header")
    return header
