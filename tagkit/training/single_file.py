"""A whole model under the names of Stability AI's code, as A1111 and its kin read one file.

UNet and first text encoder are renamed; in the VAE attention becomes convolution, and in the second
text encoder queries, keys and values stand in one matrix, as in OpenCLIP.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from diffusers import AutoencoderKL

from tagkit.errors import UserError
from tagkit.rendering.module_names import stability_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torch import Tensor

    from tagkit.rendering.components import Components

    Tensors = Mapping[str, Tensor]

_PREFIXES = {
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "text_encoder": "conditioner.embedders.0.transformer.text_model.",
    "text_encoder_2": "conditioner.embedders.1.model.",
}
_VAE = (
    (r"^(encoder|decoder)\.mid_block\.resnets\.0", r"\1.mid.block_1"),
    (r"^(encoder|decoder)\.mid_block\.resnets\.1", r"\1.mid.block_2"),
    (r"^(encoder|decoder)\.mid_block\.attentions\.0", r"\1.mid.attn_1"),
    (r"\bdown_blocks\.(\d+)\.resnets", r"down.\1.block"),
    (r"\bdown_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample"),
    (r"\bup_blocks\.(\d+)\.upsamplers\.0", r"up.\1.upsample"),
    (r"\bup_blocks\.(\d+)\.resnets", r"up.\1.block"),
    (r"\bconv_norm_out\b", "norm_out"),
    (r"\bconv_shortcut\b", "nin_shortcut"),
    (r"\bgroup_norm\b", "norm"),
    (r"\bto_([qkv])\b", r"\1"),
    (r"\bto_out\.0\b", "proj_out"),
)
_UP = re.compile(r"\bup\.(\d+)\.")
_VAE_ATTENTION = re.compile(r"attn_1\.(q|k|v|proj_out)\.weight$")
_OPEN_CLIP = (
    (r"^embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^embeddings\.", ""),
    (r"^final_layer_norm\.", "ln_final."),
    (r"^encoder\.layers\.", "transformer.resblocks."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
)
_QUERY = re.compile(r"(.*)\.self_attn\.q_proj\.(weight|bias)$")


def require_single_file(components: Components) -> None:
    """Raises UserError for a model that other programs could not read from a single file."""
    vae, hint = components.vae, "save: {single_file: false} writes the folder alone"
    if not isinstance(vae, AutoencoderKL):
        what = f"a single file has no form for the VAE of this model, an {type(vae).__name__}"
        raise UserError(what, "", hint)
    widths = {
        each.config.hidden_size for each in (components.text_encoder, components.text_encoder_2)
    }
    if len(widths) == 1:
        what = (
            "in a single file text encoders are told apart by their widths, which are the same here"
        )
        raise UserError(what, f"both are {widths.pop()} wide", hint)


def checkpoint_tensors(components: Components, dtype: torch.dtype) -> dict[str, Tensor]:
    """Every tensor of the file, on the CPU. Raises UserError as `require_single_file`."""
    require_single_file(components)
    parts = {
        "unet": _unet(components.unet),
        "vae": _vae(components.vae),
        "text_encoder": _bare(components.text_encoder.state_dict()),
        "text_encoder_2": _open_clip(_bare(components.text_encoder_2.state_dict())),
    }
    return {
        _PREFIXES[part] + name: tensor.to("cpu", dtype).contiguous()
        for part, tensors in parts.items()
        for name, tensor in tensors.items()
    }


def _unet(unet: Any) -> Tensors:
    layers = unet.config.layers_per_block
    attention = [kind.startswith("CrossAttn") for kind in unet.config.up_block_types]
    named = {}
    for name, tensor in unet.state_dict().items():
        module, _, end = name.rpartition(".")
        named[f"{stability_name(module, layers, attention)}.{end}"] = tensor
    return named


def _vae(vae: Any) -> Tensors:
    last = len(vae.config.block_out_channels) - 1
    named = {}
    for name, tensor in vae.state_dict().items():
        renamed = _UP.sub(lambda found: f"up.{last - int(found[1])}.", _renamed(name, _VAE))
        is_attention = _VAE_ATTENTION.search(renamed) and tensor.ndim == 2
        named[renamed] = tensor[:, :, None, None] if is_attention else tensor
    return named


def _bare(state: Tensors) -> Tensors:
    """A CLIP encoder's tensors, whichever version of transformers names them."""
    return {
        name.removeprefix("text_model."): tensor
        for name, tensor in state.items()
        if not name.endswith("position_ids")
    }


def _open_clip(state: Tensors) -> Tensors:
    named: dict[str, Tensor] = {}
    for name, tensor in state.items():
        query = _QUERY.match(name)
        if query:
            layer = _renamed(f"{query[1]}.", _OPEN_CLIP)
            three = [state[f"{query[1]}.self_attn.{each}_proj.{query[2]}"] for each in "qkv"]
            named[f"{layer}attn.in_proj_{query[2]}"] = torch.cat(three)
        elif name == "text_projection.weight":
            named["text_projection"] = tensor.T
        elif ".k_proj." not in name and ".v_proj." not in name:
            named[_renamed(name, _OPEN_CLIP)] = tensor
    return named


def _renamed(name: str, table: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in table:
        name = re.sub(pattern, replacement, name)
    return name
