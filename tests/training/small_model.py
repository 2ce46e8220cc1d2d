"""A model small enough to train in tests, and pictures for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

# Of every part of SDXL as little as there can be.
UNET = {
    "_class_name": "UNet2DConditionModel",
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 4,
    "attention_head_dim": [2, 2],
    "block_out_channels": [8, 16],
    "cross_attention_dim": 20,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "projection_class_embeddings_input_dim": 36,
    "sample_size": 8,
    "transformer_layers_per_block": [1, 1],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
    "use_linear_projection": True,
}
VAE = {
    "_class_name": "AutoencoderKL",
    "block_out_channels": [4, 4, 4, 8],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "latent_channels": 4,
    "layers_per_block": 1,
    "norm_num_groups": 2,
    "scaling_factor": 0.13025,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}
TINY_VAE = {
    "_class_name": "AutoencoderTiny",
    "decoder_block_out_channels": [4, 4, 4, 4],
    "encoder_block_out_channels": [4, 4, 4, 4],
    "num_decoder_blocks": [1, 1, 1, 1],
    "num_encoder_blocks": [1, 1, 1, 1],
}
TEXT = {
    "architectures": ["CLIPTextModel"],
    "bos_token_id": 0,
    "eos_token_id": 2,
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "pad_token_id": 1,
    "projection_dim": 8,
    "vocab_size": 49408,
}
SECOND_TEXT = TEXT | {
    "architectures": ["CLIPTextModelWithProjection"],
    "hidden_size": 12,
    "projection_dim": 12,
}


def write_config(folder: Path, vae: dict[str, object] = VAE) -> Path:
    """Config files of a small model."""
    parts = {"unet": UNET, "vae": vae, "text_encoder": TEXT}
    parts["text_encoder_2"] = SECOND_TEXT
    for name, config in parts.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(json.dumps(config))
    index = {
        "_class_name": "StableDiffusionXLPipeline",
        "scheduler": [None, None],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"],
        "tokenizer": [None, None],
        "tokenizer_2": [None, None],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", vae["_class_name"]],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def draw(path: Path, size: tuple[int, int], colour: str, caption: str | None) -> Path:
    """A picture of one colour, with its caption beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    if caption is not None:
        path.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return path
