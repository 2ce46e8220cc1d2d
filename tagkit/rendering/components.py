"""The networks of an SDXL model, loaded without the network and without unpickling anything."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import diffusers
import torch
import transformers
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from safetensors.torch import load_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.rendering.recognising import require_vae

if TYPE_CHECKING:
    from torch import nn

    from tagkit.rendering.weights import Weights

_SDXL_VAE = "image/sdxl/vae"
_VAE_PREFIXES = ("first_stage_model.", "vae.")
PARTS = {
    "unet": UNet2DConditionModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModel,
    "text_encoder_2": CLIPTextModelWithProjection,
}


class Components(NamedTuple):
    """The four networks, in evaluation mode, on the CPU, in the precision of their files."""

    unet: Any
    vae: Any
    text_encoder: Any
    text_encoder_2: Any


def load_components(weights: Weights) -> Components:
    """The networks that `weights` points to. Raises UserError for files that are none."""
    silence()
    try:
        return _LOADERS[weights.kind](weights)
    except Exception as error:
        what = f"cannot load `{weights.path}` as an SDXL model"
        raise UserError(what, " ".join(str(error).split())[:300]) from error


def _from_folder(weights: Weights) -> Components:
    half = not (weights.path / "unet" / "diffusion_pytorch_model.safetensors").is_file()
    options = {"use_safetensors": True, "local_files_only": True}
    variant = {"variant": "fp16"} if half and _has_half(weights.path) else {}
    parts = {
        name: kind.from_pretrained(weights.path, subfolder=name, **options, **variant).eval()
        for name, kind in (PARTS | {"vae": vae_kind(weights.path / "vae")}).items()
    }
    return Components(**parts)


def vae_kind(folder: Path) -> Any:
    """The class that its config names; AutoencoderKL is SDXL's own."""
    named = AutoencoderKL.load_config(folder).get("_class_name")
    return AutoencoderTiny if named == AutoencoderTiny.__name__ else AutoencoderKL


def load_vae(path: Path, own: Any) -> Any:
    """The VAE of a safetensors file, whichever program wrote it.

    own: the VAE of the model, of whose form it is unless a config.json beside it says otherwise;
    an AutoencoderTiny has no such form, and SDXL's is taken. Raises UserError for a file that is
    none.
    """
    require_vae(path)
    try:
        vae = _empty_vae(path, own)
        state = {_bare(name): tensor for name, tensor in load_file(path).items()}
        if not any(".down_blocks." in name or name.startswith("encoder.layers") for name in state):
            state = convert_ldm_vae_checkpoint(state, vae.config)
        vae.load_state_dict(state)
    except Exception as error:
        what = f"cannot load `{path}` as a VAE"
        raise UserError(what, " ".join(str(error).split())[:300]) from error
    return vae.eval().requires_grad_(requires_grad=False)


def _empty_vae(path: Path, own: Any) -> Any:
    if (path.parent / "config.json").is_file():
        kind = vae_kind(path.parent)
        return kind.from_config(kind.load_config(path.parent))
    if isinstance(own, AutoencoderKL):
        return AutoencoderKL.from_config(own.config)
    return AutoencoderKL.from_config(AutoencoderKL.load_config(data_folder("models") / _SDXL_VAE))


def _bare(name: str) -> str:
    """The name without the prefix that it has in a whole checkpoint."""
    prefix = next((each for each in _VAE_PREFIXES if name.startswith(each)), "")
    return name.removeprefix(prefix)


def _has_half(folder: Path) -> bool:
    return any((folder / "unet").glob("*.fp16*.safetensors"))


def _from_file(weights: Weights) -> Components:
    pipeline = StableDiffusionXLPipeline.from_single_file(
        str(weights.path),
        config=str(weights.config),
        local_files_only=True,
        tokenizer=None,
        tokenizer_2=None,
        scheduler=None,
        add_watermarker=False,
    )
    return Components(**{name: getattr(pipeline, name).eval() for name in PARTS})


def _from_seed(weights: Weights) -> Components:
    """Random weights, made once and kept as an ordinary model folder."""
    if not (weights.path / "model_index.json").is_file():
        _build(weights)
    return _from_folder(weights)


def _build(weights: Weights) -> None:
    """Written beside its place and renamed, so that a stopped process leaves no half model."""
    weights.path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".building-", dir=weights.path.parent))
    try:
        generator = torch.Generator().manual_seed(weights.seed)
        for name in PARTS:
            network = _empty(name, weights.config).requires_grad_(requires_grad=False)
            _fill(network, generator)
            network.half().save_pretrained(folder / name, safe_serialization=True)
        shutil.copy(weights.config / "model_index.json", folder)
        folder.replace(weights.path)
    except OSError:
        if not (weights.path / "model_index.json").is_file():
            raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _empty(name: str, config: Path) -> nn.Module:
    kind = vae_kind(config / name) if name == "vae" else PARTS[name]
    if issubclass(kind, transformers.PreTrainedModel):
        return kind(CLIPTextConfig.from_pretrained(config / name))
    return kind.from_config(kind.load_config(config / name))


def _fill(network: nn.Module, generator: torch.Generator) -> None:
    """Weights that keep the size of a signal, drawn in the order of their names.

    Drawn here and not by the libraries, so that the same seed gives the same weights whatever
    version of them is installed.
    """
    for name, weight in sorted(network.named_parameters()):
        if weight.ndim < 2:
            weight.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
        else:
            inputs = weight[0].numel()
            weight.copy_(torch.randn(weight.shape, generator=generator) / inputs**0.5)


def silence() -> None:
    """No progress bars and no advice from the libraries; errors still come as exceptions."""
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
        library.utils.logging.set_verbosity_error()


_LOADERS = {"folder": _from_folder, "file": _from_file, "seed": _from_seed}
