"""How much a LoRA or LyCORIS network changes the weights of a module.

Formulas: LoRA (Hu et al., arXiv:2106.09685), LoHa and LoKr (LyCORIS, Yeh et al.,
arXiv:2309.14859; LoHa after FedPara, arXiv:2108.06098), IA3 (arXiv:2205.05638), DoRA
(arXiv:2402.09353). Scales are those of kohya's sd-scripts: alpha over rank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    Tensors = Mapping[str, Tensor]

_TUCKER = "i j k l, i p, j r -> p r k l"


class Change(NamedTuple):
    """What is added to a module at strength 1; None where nothing is. float32."""

    weight: Tensor | None
    bias: Tensor | None


def change(tensors: Tensors, weight: Tensor) -> Change:
    """What a network's tensors for one module add to its weight and bias.

    tensors: float32, with the names of `read_network`. weight: the module's as it stands, of which
    IA3 and DoRA take a part. Raises ValueError for tensors that belong to no known kind of
    network, RuntimeError for shapes that do not fit.
    """
    weight = weight.float()
    delta = _delta(tensors, weight)
    if delta is None and "diff_b" not in tensors:
        raise ValueError(f"a module of {', '.join(tensors)}")
    if delta is not None:
        delta = delta.reshape(weight.shape) * _scale(tensors)
        if "dora_scale" in tensors:
            delta = _decomposed(weight + delta, tensors["dora_scale"]) - weight
    return Change(delta, tensors.get("diff_b"))


def _delta(tensors: Tensors, weight: Tensor) -> Tensor | None:
    if "lora_up" in tensors:
        return _lora(tensors)
    if "hada_w1_a" in tensors:
        return _factor(tensors, "hada_w1", "hada_t1") * _factor(tensors, "hada_w2", "hada_t2")
    if "lokr_w1" in tensors or "lokr_w1_a" in tensors:
        return _lokr(tensors)
    if "on_input" in tensors:
        return _ia3(tensors, weight)
    return tensors.get("diff")


def _scale(tensors: Tensors) -> float:
    """Alpha over rank; what has no rank, such as a whole difference, is taken as it is."""
    if "scale" in tensors:
        return float(tensors["scale"])
    ranked = ("lora_down", "hada_w1_b", "lokr_w1_b", "lokr_w2_b")
    rank = next((len(tensors[name]) for name in ranked if name in tensors), None)
    return float(tensors["alpha"]) / rank if rank and "alpha" in tensors else 1.0


def _lora(tensors: Tensors) -> Tensor:
    """up · down; between them a convolution in the middle, if there is one."""
    up, down = tensors["lora_up"].flatten(1), tensors["lora_down"]
    if "lora_mid" in tensors:
        return torch.einsum(_TUCKER, tensors["lora_mid"], up.T, down.flatten(1))
    return (up @ down.flatten(1)).reshape(len(up), *down.shape[1:])


def _lokr(tensors: Tensors) -> Tensor:
    """The Kronecker product of a small matrix and a large one, which may have a kernel."""
    one, other = (_factor(tensors, f"lokr_{name}", "lokr_t2") for name in ("w1", "w2"))
    return torch.kron(one.reshape(*one.shape, *[1] * (other.ndim - one.ndim)), other)


def _factor(tensors: Tensors, name: str, core: str) -> Tensor:
    """A matrix that is stored whole, as a product of two, or as that around a core."""
    if name in tensors:
        return tensors[name]
    left, right = tensors[f"{name}_a"], tensors[f"{name}_b"]
    if core in tensors and name != "lokr_w1":
        return torch.einsum(_TUCKER, tensors[core], left, right)
    return left @ right.flatten(1)


def _ia3(tensors: Tensors, weight: Tensor) -> Tensor:
    """A factor for each column if it was learnt on the input, else for each row."""
    factors = tensors["weight"].flatten()
    rows = [1, -1] if bool(tensors["on_input"]) else [-1, 1]
    return weight * factors.reshape(*rows, *[1] * (weight.ndim - 2))


def _decomposed(weight: Tensor, magnitude: Tensor) -> Tensor:
    """The weight with each column, or each row, of the length that was learnt for it."""
    by_row = magnitude.shape[0] == len(weight)
    axes = [axis for axis in range(weight.ndim) if axis != (0 if by_row else 1)]
    lengths = weight.square().sum(axes, keepdim=True).sqrt()
    return weight * (magnitude.reshape(lengths.shape) / lengths)
