"""A diffusers SDXL model as the single file that other programs write, to test the way back."""

from __future__ import annotations

import re

import torch

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
_UNET = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
}
_VAE = {
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0": "mid.attn_1",
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
_OPEN_CLIP = {
    "embeddings.position_embedding.weight": "positional_embedding",
    "embeddings.token_embedding": "token_embedding",
    "final_layer_norm": "ln_final",
    "encoder.layers": "transformer.resblocks",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}


def checkpoint(components):
    """The state dict of the single file."""
    parts = {
        "model.diffusion_model.": _unet(components.unet),
        "first_stage_model.": _vae(components.vae),
        "conditioner.embedders.0.transformer.": _clip(components.text_encoder),
        "conditioner.embedders.1.model.": _open_clip(components.text_encoder_2),
    }
    return {
        prefix + key: value.contiguous()
        for prefix, part in parts.items()
        for key, value in part.items()
    }


def _replaced(key, table):
    for old, new in table.items():
        key = key.replace(old, new)
    return key


def _unet(unet):
    layers = unet.config.layers_per_block
    attention = [kind.startswith("CrossAttn") for kind in unet.config.up_block_types]

    def renamed(key):
        if found := re.match(r"down_blocks\.(\d)\.(resnets|attentions)\.(\d)\.(.*)", key):
            block, kind, layer, rest = found.groups()
            number = (layers + 1) * int(block) + int(layer) + 1
            place = f"input_blocks.{number}.{int(kind == 'attentions')}"
        elif found := re.match(r"up_blocks\.(\d)\.(resnets|attentions)\.(\d)\.(.*)", key):
            block, kind, layer, rest = found.groups()
            number = (layers + 1) * int(block) + int(layer)
            place = f"output_blocks.{number}.{int(kind == 'attentions')}"
        elif found := re.match(r"down_blocks\.(\d)\.downsamplers\.0\.conv\.(.*)", key):
            return f"input_blocks.{(layers + 1) * (int(found[1]) + 1)}.0.op.{found[2]}"
        elif found := re.match(r"up_blocks\.(\d)\.upsamplers\.0\.conv\.(.*)", key):
            number = (layers + 1) * int(found[1]) + layers
            return f"output_blocks.{number}.{1 + attention[int(found[1])]}.conv.{found[2]}"
        else:
            key = _replaced(key, _UNET)
            return _replaced(key, _RESNET) if re.match(r"middle_block\.[02]", key) else key
        return f"{place}.{_replaced(rest, _RESNET) if kind == 'resnets' else rest}"

    return {renamed(key): value for key, value in unet.state_dict().items()}


def _vae(vae):
    last = len(vae.config.block_out_channels) - 1

    def renamed(key):
        key = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", key)
        key = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", key)
        key = re.sub(r"up_blocks\.(\d)\.resnets", lambda m: f"up.{last - int(m[1])}.block", key)
        key = re.sub(
            r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{last - int(m[1])}.upsample", key
        )
        return _replaced(key, _VAE)

    result = {renamed(key): value for key, value in vae.state_dict().items()}
    for key, value in result.items():
        if re.search(r"attn_1\.(q|k|v|proj_out)\.weight", key):
            result[key] = value[:, :, None, None]
    return result


def _clip(encoder):
    return {
        f"text_model.{key.removeprefix('text_model.')}": value
        for key, value in encoder.state_dict().items()
        if "position_ids" not in key
    }


def _open_clip(encoder):
    state = {
        key.removeprefix("text_model."): value
        for key, value in encoder.state_dict().items()
        if "position_ids" not in key
    }
    result = {"text_projection": state.pop("text_projection.weight").T}
    for key in [key for key in state if "q_proj" in key]:
        joined = torch.cat([state.pop(key.replace("q_proj", f"{each}_proj")) for each in "qkv"])
        place = _replaced(key.split(".self_attn")[0], _OPEN_CLIP)
        result[f"{place}.attn.in_proj_{key.rpartition('.')[2]}"] = joined
    return result | {_replaced(key, _OPEN_CLIP): value for key, value in state.items()}
