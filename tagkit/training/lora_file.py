"""A LoRA under the names of kohya's sd-scripts, as A1111, ComfyUI and tagkit read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tagkit.rendering.module_names import stability_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from tagkit.cards import LoraSize
    from tagkit.training.networks import Denoised

_PARTS = {
    "unet": "lora_unet_",
    "text_encoder": "lora_te1_text_model_",
    "text_encoder_2": "lora_te2_text_model_",
}
_ENDS = {
    ".lora_A.default.weight": ".lora_down.weight",
    ".lora_B.default.weight": ".lora_up.weight",
}


def lora_tensors(
    model: Denoised, weights: Mapping[str, Tensor], size: LoraSize, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Every tensor of the file, on the CPU. weights: what is trained of `model`, by name."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        part, _, inner = name.partition(".")
        end = next(each for each in _ENDS if inner.endswith(each))
        module = _file_name(model.unet, part, inner.removesuffix(end))
        tensors[module + _ENDS[end]] = tensor.detach().to("cpu", dtype).contiguous()
        tensors[f"{module}.alpha"] = torch.tensor(float(size.alpha or size.rank), dtype=dtype)
    return tensors


def _file_name(unet: Any, part: str, module: str) -> str:
    if part == "unet":
        attention = [kind.startswith("CrossAttn") for kind in unet.config.up_block_types]
        module = stability_name(module, unet.config.layers_per_block, attention)
    else:
        module = module.removeprefix("text_model.")
    return _PARTS[part] + module.replace(".", "_")
