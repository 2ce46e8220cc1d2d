"""How the networks compute: memory layout, compilation, attention. It decides no picture."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tagkit.cards import Speed

_KERNELS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}


def layout(device: torch.device, speed: Speed) -> torch.memory_format:
    """Channels stand last on CUDA unless `speed` says otherwise: tensor cores read them so."""
    last = device.type == "cuda" if speed.channels_last is None else speed.channels_last
    return torch.channels_last if last else torch.contiguous_format


def compiled(unet: Any, speed: Speed) -> None:
    """Compiles the UNet if `speed` asks for it.

    The blocks of transformers are compiled one by one, which takes seconds where the whole network
    takes minutes.
    """
    if speed.compile:
        unet.compile_repeated_blocks(dynamic=False)


def attention(speed: Speed) -> AbstractContextManager[object]:
    """Within it torch's attention uses the kernel that `speed` names, or plain arithmetic where
    that kernel cannot be used.
    """
    if speed.attention is None:
        return nullcontext()
    chosen: AbstractContextManager[object]
    chosen = sdpa_kernel([_KERNELS[speed.attention], SDPBackend.MATH])
    return chosen
