"""Checkpoints: all that training needs to go on as if it had never been stopped.

A folder each, `checkpoints/00000500`: the trained weights, the averaged ones, what the optimiser
keeps, as safetensors; everything else as JSON. Random numbers need no place in it, since they are
drawn anew from seed and step.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from tagkit.errors import UserError
from tagkit.training.files import new_folder, save_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor
    from torch.optim import Optimizer

_NUMBER = re.compile(r"\d{8}")
_STATE = "state.json"
_TENSORS = ("weights", "averaged", "optimizer")


class State(msgspec.Struct, frozen=True):
    """What a checkpoint says beside its tensors.

    step: how many are done. recipe: as built-in values, without paths. optimizer: the numbers that
    it keeps. scaler: of fp16's gradients. averaged: steps that the average has seen.
    """

    step: int
    recipe: dict[str, Any]
    optimizer: dict[str, Any]
    scaler: dict[str, Any] = {}
    averaged: int = 0
    version: int = 1


class Checkpoint(msgspec.Struct, frozen=True):
    """A checkpoint that was read: its state, and its tensors by name."""

    path: Path
    state: State
    weights: dict[str, Any]
    averaged: dict[str, Any]
    optimizer: dict[str, Any]


class Checkpoints:
    """The checkpoints in a folder, of which the latest `keep` stay."""

    def __init__(self, folder: Path, keep: int) -> None:
        self._folder = folder
        self._keep = keep

    def latest(self) -> Path | None:
        """The checkpoint of the highest step."""
        return max(self._there(), default=None)

    def path(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self._folder / f"{step:08}"

    def save(self, state: State, tensors: Mapping[str, Mapping[str, Tensor]]) -> Path:
        """Writes a checkpoint, as a whole or not at all, and removes those that are too old.

        tensors: `weights`, `averaged` and `optimizer`, each by name. Raises UserError where there
        is no room; the checkpoints that are there stay.
        """
        path = self.path(state.step)
        with new_folder(path) as folder:
            for name in _TENSORS:
                if tensors[name]:
                    save_tensors(tensors[name], folder / f"{name}.safetensors")
            (folder / _STATE).write_bytes(msgspec.json.encode(state))
        for old in sorted(self._there())[: -self._keep]:
            shutil.rmtree(old, ignore_errors=True)
        return path

    def _there(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return [
            each
            for each in self._folder.iterdir()
            if _NUMBER.fullmatch(each.name) and (each / _STATE).is_file()
        ]


def read_state(path: Path) -> State:
    """What a checkpoint says of itself. Raises UserError for one that is damaged."""
    try:
        return msgspec.json.decode((path / _STATE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError) as error:
        raise _damaged(path, error) from error


def read_checkpoint(path: Path) -> Checkpoint:
    """A whole checkpoint, on the CPU. Raises UserError for one that is damaged."""
    state = read_state(path)
    try:
        files = {name: path / f"{name}.safetensors" for name in _TENSORS}
        found = {name: load_file(file) if file.is_file() else {} for name, file in files.items()}
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from error
    return Checkpoint(path, state, **found)


def _damaged(path: Path, error: Exception) -> UserError:
    hint = "remove its folder: training goes on from the one before"
    return UserError(f"the checkpoint `{path}` is damaged", " ".join(str(error).split()), hint)


def optimizer_tensors(optimizer: Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What an optimiser keeps, by the way to it (`0.exp_avg`): its tensors, and its numbers."""
    kept = dict(_leaves(optimizer.state_dict()["state"], ()))
    tensors = {name: value for name, value in kept.items() if isinstance(value, torch.Tensor)}
    return tensors, {name: value for name, value in kept.items() if name not in tensors}


def _leaves(kept: Mapping[Any, Any], way: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for key, value in kept.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*way, str(key)))
        else:
            yield ".".join((*way, str(key))), value


def restore_optimizer(optimizer: Optimizer, checkpoint: Checkpoint) -> None:
    """Gives an optimiser over the same weights what it kept.

    In the memory layout of each weight: the kernels go through weight and state side by side.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    kept: dict[Any, Any] = {}
    for name, value in (checkpoint.optimizer | checkpoint.state.optimizer).items():
        index, *way, last = name.split(".")
        place = kept.setdefault(int(index), {})
        for key in way:
            place = place.setdefault(key, {})
        place[last] = _laid_out(value, weights[int(index)])
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": kept, "param_groups": groups})


def _laid_out(value: Any, weight: Tensor) -> Any:
    if not isinstance(value, torch.Tensor) or value.shape != weight.shape:
        return value
    return torch.empty_like(weight, dtype=value.dtype, device=value.device).copy_(value)
