"""The networks in training: opened, made ready, and as one module that says what it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import UNet2DConditionModel
from peft import LoraConfig, inject_adapter_in_model
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tagkit.errors import UserError
from tagkit.rendering.components import Components, load_components, load_vae, vae_kind
from tagkit.training.texts import Tokens, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from tagkit.cards import LoraSize
    from tagkit.rendering.conditioning import Encoded
    from tagkit.training.recipe import Recipe
    from tagkit.training.starting import Source

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
TEXTS = ("text_encoder", "text_encoder_2")
_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
_TRANSFORMERS = (*_ATTENTION, "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")
_CONVOLUTIONS = ("conv1", "conv2", "conv_shortcut", "time_emb_proj", "conv")
_TARGETS = {
    "attention": _ATTENTION,
    "transformers": _TRANSFORMERS,
    "all": (*_TRANSFORMERS, *_CONVOLUTIONS),
}
_TEXT_TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


def open_components(source: Source) -> Components:
    """The networks to start from, on the CPU. Raises UserError for files that are none."""
    if source.weights is not None:
        return load_components(source.weights)
    with torch.random.fork_rng():
        torch.manual_seed(source.seed)
        components = build_components(source.config)
    vae = source.vae or source.config / "vae"
    if source.vae is None and not any(vae.glob("*.safetensors")):
        return components
    return components._replace(vae=_open_vae(vae, components.vae))


def build_components(config: Path) -> Components:
    """Networks as the libraries begin them, of the shapes that a folder's config files say.

    Raises UserError for config files that are none of an SDXL model.
    """
    vae = vae_kind(config / "vae")
    try:
        return Components(
            UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(config / "unet")),
            vae.from_config(vae.load_config(config / "vae")),
            CLIPTextModel(CLIPTextConfig.from_pretrained(config / "text_encoder")),
            CLIPTextModelWithProjection(CLIPTextConfig.from_pretrained(config / "text_encoder_2")),
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        what = f"cannot build an SDXL model from `{config}`"
        raise UserError(what, " ".join(str(error).split())[:300]) from error


def _open_vae(path: Path, own: Any) -> Any:
    """A VAE's folder or its file."""
    if path.is_file():
        return load_vae(path, own)
    files = sorted(path.glob("*.safetensors"))
    if len(files) != 1 or not (path / "config.json").is_file():
        raise UserError(f"`{path}` is no folder of a VAE", "it holds config.json and weights")
    return load_vae(files[0], own)


class Denoised(nn.Module):  # type: ignore[misc]
    """The UNet with both text encoders, as one module. reads: without it the encoders are left out,
    and texts come encoded.
    """

    def __init__(self, components: Components, *, reads: bool) -> None:
        super().__init__()
        self.unet = components.unet
        if reads:
            self.text_encoder = components.text_encoder
            self.text_encoder_2 = components.text_encoder_2
        self.trains_text = reads and any(
            each.requires_grad for each in components.text_encoder.parameters()
        )

    def forward(
        self, noisy: Tensor, times: Tensor, sizes: Tensor, texts: Tokens | Encoded
    ) -> Tensor:
        """What the UNet says of noisy latents (n, 4, h, w); sizes: SDXL's six numbers a picture."""
        if isinstance(texts, Tokens):
            with torch.set_grad_enabled(self.trains_text and torch.is_grad_enabled()):
                texts = encoded(self.text_encoder, self.text_encoder_2, texts)
        context, pooled = (each.to(noisy.dtype) for each in texts)
        conditions = {"text_embeds": pooled, "time_ids": sizes}
        said: Tensor = self.unet(
            noisy, times, encoder_hidden_states=context, added_cond_kwargs=conditions
        ).sample
        return said


def make_ready(
    components: Components, recipe: Recipe, device: torch.device, *, reads: bool
) -> Denoised:
    """The networks in the recipe's precision; only what is to be trained has gradients.

    Draws the LoRA's first weights from torch's own random numbers. reads: as in `Denoised`, whose
    networks come on the device.
    """
    full, mixed = DTYPES[recipe.precision.full], DTYPES[recipe.precision.mixed]
    resting = full if mixed == torch.float32 else mixed
    trained = trained_parts(recipe)
    for name in ("unet", *TEXTS):
        network = getattr(components, name)
        learns = name in trained and recipe.lora is None
        network.requires_grad_(learns)
        if learns or recipe.lora:
            # What rests beside a LoRA is not saved, and may lose digits.
            network.to(dtype=full if learns else resting)
        if name in trained and recipe.lora:
            _add_lora(network, name, recipe.lora, full)
        if name == "unet" or reads:
            network.to(device)
        network.train(name in trained)
    components.unet.to(memory_format=memory_format(recipe))
    components.vae.requires_grad_(requires_grad=False)
    if recipe.gradient_checkpointing:
        components.unet.enable_gradient_checkpointing()
        for name in set(trained) & set(TEXTS):
            _checkpoint(getattr(components, name))
    return Denoised(components, reads=reads)


def _checkpoint(encoder: Any) -> None:
    """transformers has given it another name."""
    newer = getattr(encoder, "activation_checkpointing_enable", None)
    (newer or encoder.gradient_checkpointing_enable)()


def memory_format(recipe: Recipe) -> torch.memory_format:
    """How the UNet's weights lie in memory: channels last, which convolutions read faster.

    But bitsandbytes brings all weights back to the usual layout in its first step.
    """
    own = recipe.optimizer.name == "adamw"
    return torch.channels_last if own else torch.contiguous_format


def trained_parts(recipe: Recipe) -> tuple[str, ...]:
    """Names of the networks that are trained."""
    return ("unet", *TEXTS) if recipe.trained == "unet+text" else ("unet",)


def trained_weights(model: Denoised) -> Iterator[tuple[str, nn.Parameter]]:
    """What is trained, by name, in one order."""
    return ((name, each) for name, each in model.named_parameters() if each.requires_grad)


def _add_lora(network: nn.Module, name: str, size: LoraSize, dtype: torch.dtype) -> None:
    targets = _TARGETS[size.targets] if name == "unet" else _TEXT_TARGETS
    config = LoraConfig(
        r=size.rank,
        lora_alpha=size.alpha or size.rank,
        lora_dropout=size.dropout,
        target_modules=list(targets),
    )
    inject_adapter_in_model(config, network)
    for each in network.parameters():
        if each.requires_grad:
            each.data = each.data.to(dtype)
