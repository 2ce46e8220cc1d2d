"""LoRAs put on the networks of a loaded model, and taken off again without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tagkit.errors import UserError
from tagkit.rendering.memory import memory_errors
from tagkit.rendering.module_names import modules_by_name
from tagkit.rendering.network_files import NUMBERS, read_network
from tagkit.rendering.networks import change

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from tagkit.rendering.components import Components
    from tagkit.rendering.job import Lora
    from tagkit.rendering.module_names import Place
    from tagkit.rendering.network_files import Network

_NAMED_AT_MOST = 3


class Wardrobe:
    """The LoRAs of one model.

    They are added to the weights, so that a picture takes no longer with them than without.
    Weights that change are copied to the CPU before they first do, and put back from there: what
    is subtracted again in half precision would not be what it was. files: where they lie, by their
    SHA-256. text_state: tells apart the states of the text encoders.
    """

    def __init__(self, components: Components, files: Mapping[str, Path]) -> None:
        self._files = files
        self._places = modules_by_name(components)
        self._kept: dict[nn.Parameter, Tensor] = {}
        self._changed: set[nn.Parameter] = set()
        self._worn: tuple[Lora, ...] = ()
        self.text_state: tuple[tuple[str | None, float], ...] = ()

    def wear(self, loras: Sequence[Lora]) -> None:
        """Exactly these, in this order, and no others.

        Raises UserError for a file that does not fit the model, which is then left bare.
        """
        if tuple(loras) == self._worn:
            return
        self._take_off()
        try:
            for lora in loras:
                self._put_on(lora)
        except BaseException:
            self._take_off()
            raise
        self._worn = tuple(loras)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _take_off(self) -> None:
        for weight in self._changed:
            weight.copy_(self._kept[weight])
        self._changed.clear()
        self._worn = self.text_state = ()

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _put_on(self, lora: Lora) -> None:
        path = self._files[lora.digest or ""]
        network = read_network(path)
        for name, place, tensors in fitted(path, network, self._places):
            strength = lora.weight if place.part == "unet" else lora.text_weight
            if not strength:
                continue
            for weight, added in additions(path, name, place.module, tensors):
                self._add(weight, added * strength)
        if any(self._places[name].part != "unet" for name in network):
            self.text_state = (*self.text_state, (lora.digest, lora.text_weight))

    def _add(self, weight: nn.Parameter, added: Tensor) -> None:
        if weight not in self._kept:
            self._kept[weight] = weight.detach().to("cpu", copy=True)
        self._changed.add(weight)
        weight.copy_(weight.float() + added)


def fitted(
    path: Path, network: Network, places: Mapping[str, Place]
) -> list[tuple[str, Place, Mapping[str, Tensor]]]:
    """The name of each module, its place in the model, and the tensors for it.

    path: of the network's file. Raises UserError for modules that the model has not: without some
    of its modules a LoRA would draw another picture than its maker saw.
    """
    unknown = [name for name in network if name not in places]
    if unknown:
        some = ", ".join(f"`{name}`" for name in unknown[:_NAMED_AT_MOST])
        missing = f"{len(unknown)} of its {len(network)} modules are not in the model"
        raise UserError(f"the LoRA `{path}` is for another kind of model", f"{missing}: {some}")
    return [(name, places[name], tensors) for name, tensors in network.items()]


def additions(
    path: Path, name: str, module: nn.Module, tensors: Mapping[str, Tensor]
) -> list[tuple[nn.Parameter, Tensor]]:
    """What tensors add to the weight and the bias of their module, at strength 1.

    Raises UserError, by file and module, for tensors that do not fit there.
    """
    weight, bias = module.weight, getattr(module, "bias", None)
    near = {key: _near(key, each, weight.device) for key, each in tensors.items()}
    try:
        with memory_errors():
            added = change(near, weight)
            return [*_paired(weight, added.weight), *_paired(bias, added.bias)]
    except (ValueError, KeyError, RuntimeError) as error:
        what = f"the LoRA `{path}` does not fit the model at `{name}`"
        raise UserError(what, " ".join(str(error).split())[:200]) from error


def _paired(own: nn.Parameter | None, added: Tensor | None) -> list[tuple[nn.Parameter, Tensor]]:
    if added is None:
        return []
    if own is None:
        raise ValueError("the module has no bias")
    return [(own, added.reshape(own.shape))]


def _near(name: str, tensor: Tensor, device: torch.device) -> Tensor:
    """On the device of the weights, but for what is read as a number."""
    return tensor.to("cpu" if name in NUMBERS else device, torch.float32)
