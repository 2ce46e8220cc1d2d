"""What a safetensors file is, by the names and shapes in its header. Needs no torch.

The names are those of CompVis' and Stability AI's training code, of kohya's sd-scripts, LyCORIS
and diffusers, which the files of each family carry.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.rendering.headers import Header, read_header

if TYPE_CHECKING:
    from pathlib import Path

SDXL = "SDXL"
_LORA = re.compile(r"(?:^|[._])(?:lora|hada|lokr|oft|lycoris)_|\.lora\.|^on_input|\.on_input$")
_LORA_FAMILIES = (
    (r"lora_unet_(double|single)_blocks|single_transformer_blocks", "Flux"),
    (r"joint_blocks|^transformer\.transformer_blocks|lora_te3_", "Stable Diffusion 3"),
    (
        r"^lora_te_|down_blocks[._]0[._]attentions|input_blocks[._]1[._]1[._]",
        "Stable Diffusion 1.5",
    ),
)
# The width of the text that attention reads says more than names do.
_READS_TEXT = re.compile(r"attn2[._]to_[kv][._].*(down|lora_A|hada_w1_b)")
_TEXT_WIDTHS = {768: "Stable Diffusion 1.5", 1024: "Stable Diffusion 2", 2048: SDXL}
_CHECKPOINTS = (
    (r"double_blocks\.", "a Flux model"),
    (r"joint_blocks\.", "a Stable Diffusion 3 model"),
    (r"^conditioner\.embedders\.1\.", "an SDXL model"),
    (r"^conditioner\.embedders\.0\.", "an SDXL refiner"),
    (r"^cond_stage_model\.model\.", "a Stable Diffusion 2 model"),
    (r"^cond_stage_model\.", "a Stable Diffusion 1.5 model"),
    (r"diffusion_model\.|^input_blocks\.|^down_blocks\.", "a UNet alone"),
    (r"^(?:vae\.|first_stage_model\.)?decoder\.", "a VAE alone"),
    (r"^clip_[lg]$|^emb_params$|^string_to_param", "a textual inversion"),
)
_PARTS = {
    "model.diffusion_model.": "UNet",
    "conditioner.embedders.0.": "first text encoder",
    "conditioner.embedders.1.": "second text encoder",
    "first_stage_model.": "VAE",
}
_LATENT_CHANNELS = 4


def description(header: Header) -> str:
    """What a file is, with its article: `a Stable Diffusion 1.5 model`, `a LoRA for SDXL`."""
    names = header.shapes
    if any(_LORA.search(name) for name in names):
        family = lora_family(header)
        return f"a LoRA for {family}" if family else "a LoRA"
    for pattern, what in _CHECKPOINTS:
        if any(re.search(pattern, name) for name in names):
            return what
    return "a file of some other kind"


def lora_family(header: Header) -> str:
    """The models that a LoRA was made for, "" where nothing in it says so."""
    for name, shape in header.shapes.items():
        if _READS_TEXT.search(name) and shape and shape[-1] in _TEXT_WIDTHS:
            return _TEXT_WIDTHS[shape[-1]]
    for pattern, family in _LORA_FAMILIES:
        if any(re.search(pattern, name) for name in header.shapes):
            return family
    return ""


def require_checkpoint(path: Path) -> Header:
    """The header of an SDXL checkpoint. Raises UserError that says what the file is instead."""
    header = read_header(path)
    missing = [
        part
        for prefix, part in _PARTS.items()
        if not any(name.startswith(prefix) for name in header.shapes)
    ]
    if not missing:
        return header
    what = description(header)
    if what == "an SDXL model":
        raise UserError(f"the checkpoint `{path}` lacks its {' and its '.join(missing)}")
    raise UserError(f"`{path}` is no SDXL checkpoint but {what}")


def require_lora(path: Path) -> None:
    """Raises UserError that says what a file is instead of a LoRA for SDXL."""
    header = read_header(path)
    if not _is_network(header):
        raise UserError(f"`{path}` is no LoRA but {description(header)}")
    family = lora_family(header)
    if family not in ("", SDXL):
        raise UserError(f"the LoRA `{path}` was made for {family}, not for {SDXL}")


# Of AutoencoderKL, and of AutoencoderTiny.
_VAE_INPUTS = ("decoder.conv_in.weight", "decoder.layers.0.weight")


def require_vae(path: Path) -> None:
    """Raises UserError that says what a file is instead of a VAE for SDXL."""
    header = read_header(path)
    shapes = [shape for name, shape in header.shapes.items() if name.endswith(_VAE_INPUTS)]
    if not shapes or any(_LORA.search(name) for name in header.shapes):
        raise UserError(f"`{path}` is no VAE but {description(header)}")
    if shapes[0][1] != _LATENT_CHANNELS:
        channels = f"its latents have {shapes[0][1]} channels, not {_LATENT_CHANNELS}"
        raise UserError(f"the VAE `{path}` is not one for {SDXL}", channels)


def _is_network(header: Header) -> bool:
    """LyCORIS' files of whole differences and of norms carry no other mark than their ends."""
    ends = (".diff", ".diff_b", ".w_norm", ".b_norm", ".on_input")
    return any(_LORA.search(name) or name.endswith(ends) for name in header.shapes)
