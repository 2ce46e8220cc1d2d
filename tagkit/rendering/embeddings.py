"""Textual inversion files: vectors that a prompt names like words (Gal et al., arXiv:2208.01618).

Files for SDXL hold two tables of as many rows, `clip_l` for the first text encoder and `clip_g`
for the second. Torch is imported only where a file is no safetensors file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tagkit.clip import CHUNK
from tagkit.errors import UserError
from tagkit.rendering.headers import read_header
from tagkit.rendering.recognising import SDXL, description

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

_TABLES = ("clip_l", "clip_g")
_OLDER = ("emb_params", "string_to_param", "*")


class Inversion(NamedTuple):
    """Vectors for each text encoder: (n, its width)."""

    first: Tensor
    second: Tensor


def vectors_in(path: Path) -> int:
    """How many tokens of a prompt the embedding takes. Raises UserError for a file that is none."""
    if path.suffix.lower() != ".safetensors":
        return len(load_inversion(path).first)
    header = read_header(path)
    if not all(name in header.shapes for name in _TABLES):
        raise _refusal(path, header.shapes, description(header))
    first, second = (header.shapes[name] for name in _TABLES)
    return _checked(path, first, second)


def load_inversion(path: Path) -> Inversion:
    """The vectors, on the CPU. Raises UserError likewise."""
    tables = _read(path)
    if not all(name in tables for name in _TABLES):
        raise _refusal(path, tables, "a file of some other kind")
    first, second = (tables[name].detach() for name in _TABLES)
    _checked(path, tuple(first.shape), tuple(second.shape))
    return Inversion(first, second)


def _read(path: Path) -> Mapping[str, Tensor]:
    """A pickle is read by torch's own reader of weights, which runs nothing that is in it."""
    import pickle

    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix.lower() == ".safetensors":
            tables = load_file(path)
        else:
            tables = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        why = "it holds more than tensors, and loading that can run any program"
        raise UserError(f"the embedding `{path}` is not loaded", why) from error
    except Exception as error:
        raise UserError(f"cannot read the embedding `{path}`", str(error)[:200]) from error
    return tables if isinstance(tables, dict) else {}


def _checked(path: Path, first: tuple[int, ...], second: tuple[int, ...]) -> int:
    if len(first) != 2 or len(second) != 2 or first[0] != second[0]:
        shapes = f"its tables are {list(first)} and {list(second)}"
        raise UserError(f"the embedding `{path}` is damaged", shapes)
    if not 0 < first[0] <= CHUNK:
        what = f"the embedding `{path}` has {first[0]} vectors"
        raise UserError(what, f"a chunk of a prompt takes 1 to {CHUNK}")
    return first[0]


def _refusal(path: Path, names: Mapping[str, object], what: str) -> UserError:
    if any(name in names for name in _OLDER):
        return UserError(f"the embedding `{path}` was made for Stable Diffusion 1 or 2, not {SDXL}")
    return UserError(f"`{path}` is no embedding for {SDXL} but {what}")
