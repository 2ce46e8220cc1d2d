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


def ready(unet: Any, device: torch.device, dtype: torch.dtype, speed: Speed) -> Any:
    """The UNet on the device, laid out and compiled as `speed` asks.

    Channels stand last on CUDA unless it says otherwise: tensor cores read them so. The blocks of
    transformers are compiled one by one, which takes seconds where the whole network takes minutes.
    """
    on_cuda = device.type == "cuda"
    last = on_cuda if speed.channels_last is None else speed.channels_last
    layout = torch.channels_last if last else torch.contiguous_format
    unet = unet.to(device, dtype, memory_format=layout)
    if speed.compile:
        unet.compile_repeated_blocks(dynamic=False)
    return unet


def attention(speed: Speed) -> AbstractContextManager[object]:
    """Within it torch's attention uses the kernel that `speed` names, or plain arithmetic where
    that kernel cannot be used.
    """
    if speed.attention is None:
        return nullcontext()
    chosen: AbstractContextManager[object]
    chosen = sdpa_kernel([_KERNELS[speed.attention], SDPBackend.MATH])
    return chosen
