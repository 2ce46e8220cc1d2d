"""What files of LoRAs call the modules of SDXL.

kohya's sd-scripts and A1111 write the names of Stability AI's code, diffusers and peft those of
diffusers; both join their parts by `_` or `.`. Here every name is brought to one form, joined by
`_`, behind a prefix that names the network.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from tagkit.rendering.components import Components

_PREFIXES = {
    "unet": ("lora_unet_", "lycoris_unet_", "lycoris_", "unet_", "diffusion_model_"),
    "text_encoder": ("lora_te1_", "lycoris_te1_", "text_encoder_"),
    "text_encoder_2": ("lora_te2_", "lycoris_te2_", "text_encoder_2_"),
}
_BLOCK = re.compile(r"(down|up|mid)_blocks?\.?(\d*)\.([a-z]+)\.(\d+)\.?(.*)")
_OUTSIDE = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_INSIDE = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}


class Place(NamedTuple):
    """A module of one of the networks, and which that is: `unet`, `text_encoder`…"""

    part: str
    module: nn.Module


def modules_by_name(components: Components) -> dict[str, Place]:
    """Every module that has weights, by all the names that files call it."""
    return {
        prefix + written.replace(".", "_"): Place(part, module)
        for part, prefixes in _PREFIXES.items()
        for name, module in getattr(components, part).named_modules()
        if hasattr(module, "weight")
        for written in _spellings(part, name, components)
        for prefix in prefixes
    }


def _spellings(part: str, name: str, components: Components) -> Iterator[str]:
    """`to_out` is what older versions of diffusers called `to_out.0`."""
    if part != "unet":
        bare = name.removeprefix("text_model.")
        yield bare
        yield f"text_model.{bare}"
        return
    config = components.unet.config
    attention = [kind.startswith("CrossAttn") for kind in config.up_block_types]
    for each in (name, stability_name(name, config.layers_per_block, attention)):
        yield each
        if each.endswith(".to_out.0"):
            yield each.removesuffix(".0")


def stability_name(name: str, layers: int, attention: list[bool]) -> str:
    """The name in Stability AI's code of the UNet's module that diffusers calls `name`.

    layers: `layers_per_block` of the config. attention: whether each upward block has it.
    """
    found = _BLOCK.fullmatch(name)
    if not found:
        return _OUTSIDE.get(name, name)
    way, block, kind, number, rest = found.groups()
    inside = _INSIDE.get(rest, rest) if kind == "resnets" else rest
    inside = "op" if kind == "downsamplers" else inside
    return f"{_block(way, int(block or 0), kind, int(number), layers, attention)}.{inside}"


def _block(way: str, block: int, kind: str, number: int, layers: int, attention: list[bool]) -> str:
    """A level is so many layers, and one place more: to change size going down, or up."""
    column = int(kind == "attentions")
    if way == "mid":
        return f"middle_block.{1 if column else 2 * number}"
    place = (layers + 1) * block
    if kind == "downsamplers":
        return f"input_blocks.{place + layers + 1}.0"
    if kind == "upsamplers":
        return f"output_blocks.{place + layers}.{1 + attention[block]}"
    if way == "down":
        return f"input_blocks.{place + number + 1}.{column}"
    return f"output_blocks.{place + number}.{column}"
