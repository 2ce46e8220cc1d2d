"""The averaged weights (EMA), which are steadier than those of the last step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from diffusers.training_utils import EMAModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor, nn


class Averaged:
    """The average of weights over the steps, in full precision. decay: None for no average."""

    def __init__(self, names: Sequence[str], weights: Sequence[nn.Parameter], decay: float | None):
        self._names = names
        self._weights = weights
        self._average = None if decay is None else EMAModel(weights, decay=decay, foreach=True)
        if self._average:
            self._average.to(dtype=torch.float32)

    @property
    def steps(self) -> int:
        """Steps that the average has seen."""
        return self._average.optimization_step if self._average else 0

    def follow(self) -> None:
        """Takes the weights of one more step in."""
        if self._average:
            self._average.step(self._weights)

    def tensors(self) -> dict[str, Tensor]:
        """By name; nothing where there is no average."""
        if not self._average:
            return {}
        return dict(zip(self._names, self._average.shadow_params, strict=True))

    def restore(self, tensors: Mapping[str, Tensor], steps: int) -> None:
        """What `tensors` and `steps` once were."""
        if not self._average:
            return
        for name, kept in self.tensors().items():
            kept.copy_(tensors[name])
        self._average.optimization_step = steps

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within it the average stands in place of the weights."""
        if not self._average:
            yield
            return
        self._average.store(self._weights)
        self._average.copy_to(self._weights)
        try:
            yield
        finally:
            self._average.restore(self._weights)
