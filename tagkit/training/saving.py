"""What training leaves: a LoRA's file, or a whole model as one file and as a diffusers folder."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import torch

from tagkit.training.files import new_folder, save_tensors
from tagkit.training.lora_file import lora_tensors
from tagkit.training.networks import DTYPES, TEXTS, trained_weights
from tagkit.training.single_file import checkpoint_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tagkit.rendering.components import Components
    from tagkit.rendering.prediction import Prediction
    from tagkit.training.networks import Denoised
    from tagkit.training.recipe import Recipe
    from tagkit.training.starting import Source

_WEIGHTS = "diffusion_pytorch_model.safetensors"
# What a model's folder may hold beside its networks, and keeps.
_BESIDE = ("tokenizer", "tokenizer_2")


def save_models(
    recipe: Recipe,
    source: Source,
    model: Denoised,
    components: Components,
    output: Path,
    name: str,
    metadata: Mapping[str, str],
) -> Iterator[Path]:
    """Writes everything that the recipe asks for, each as a whole or not at all; the paths."""
    dtype = DTYPES[recipe.save.precision]
    file = output / f"{name}.safetensors"
    if recipe.lora:
        weights = dict(trained_weights(model))
        save_tensors(lora_tensors(model, weights, recipe.lora, dtype), file, metadata)
        yield file
        return
    if recipe.save.single_file:
        tensors = checkpoint_tensors(components, dtype) | _marks(source.trained)
        save_tensors(tensors, file, metadata)
        yield file
    if recipe.save.folder:
        with new_folder(output / name) as folder:
            _save_folder(components, source, folder, dtype, metadata)
        yield output / name


def _marks(trained: Prediction) -> dict[str, torch.Tensor]:
    """Empty tensors by which A1111, Forge and ComfyUI know such models."""
    names = []
    if trained.kind == "v-prediction":
        names.append("v_pred")
    if trained.zero_snr:
        names.append("ztsnr")
    return {name: torch.zeros(0) for name in names}


def _save_folder(
    components: Components,
    source: Source,
    folder: Path,
    dtype: torch.dtype,
    metadata: Mapping[str, str],
) -> None:
    for name in ("unet", "vae"):
        network = getattr(components, name)
        network.save_config(folder / name)
        save_tensors(_cast(network, dtype), folder / name / _WEIGHTS, metadata)
    for name in TEXTS:
        network = getattr(components, name)
        network.save_pretrained(folder / name, state_dict=_cast(network, dtype))
    _write_json(folder / "model_index.json", _index(components, source.config))
    (folder / "scheduler").mkdir()
    _write_json(folder / "scheduler" / "scheduler_config.json", _scheduler(source.trained))
    for name in _BESIDE:
        if (source.config / name).is_dir():
            shutil.copytree(source.config / name, folder / name)


def _cast(network: Any, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    return {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in network.state_dict().items()
    }


def _index(components: Components, config: Path) -> dict[str, object]:
    """What diffusers reads to put the pipeline together."""
    kinds: dict[str, object] = {
        name: ["diffusers", type(getattr(components, name)).__name__] for name in ("unet", "vae")
    }
    kinds |= {name: ["transformers", type(getattr(components, name)).__name__] for name in TEXTS}
    kinds |= {
        name: ["transformers", "CLIPTokenizer"] if (config / name).is_dir() else [None, None]
        for name in _BESIDE
    }
    return {
        "_class_name": "StableDiffusionXLPipeline",
        "force_zeros_for_empty_prompt": True,
        "scheduler": ["diffusers", "EulerDiscreteScheduler"],
        **kinds,
    }


def _scheduler(trained: Prediction) -> dict[str, object]:
    """SDXL's schedule, with what this model was trained to predict."""
    return {
        "_class_name": "EulerDiscreteScheduler",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "num_train_timesteps": 1000,
        "prediction_type": trained.kind.replace("-", "_"),
        "rescale_betas_zero_snr": trained.zero_snr,
        "steps_offset": 1,
        "timestep_spacing": "leading",
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
