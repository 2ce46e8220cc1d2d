"""Whether LoRAs fit the models that wear them, told by headers alone, before anything is loaded."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import torch
from transformers import CLIPTextConfig, PreTrainedModel

from tagkit.rendering.components import PARTS, Components
from tagkit.rendering.loading import named
from tagkit.rendering.module_names import modules_by_name
from tagkit.rendering.network_files import outline_network
from tagkit.rendering.wardrobe import additions, fitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from tagkit.rendering.job import Job
    from tagkit.rendering.loading import Model, Named
    from tagkit.rendering.module_names import Place
    from tagkit.rendering.weights import Weights


def require_fitting(
    jobs: Iterable[Job], models: Mapping[Named, Model], files: Mapping[str, Path]
) -> None:
    """Raises UserError for the first LoRA of a job whose model cannot wear it.

    files: where LoRAs lie, by their SHA-256.
    """
    places = cache(lambda name: modules_by_name(outline(models[name].weights)))
    worn = dict.fromkeys((named(job), lora.digest or "") for job in jobs for lora in job.loras)
    for name, digest in worn:
        require_fit(files[digest], places(name))


def require_fit(path: Path, places: Mapping[str, Place]) -> None:
    """Raises UserError for a LoRA with modules or shapes that a model has not."""
    for name, place, tensors in fitted(path, outline_network(path), places):
        additions(path, name, place.module, _with_side(tensors, place.module))


def _with_side(tensors: Mapping[str, Tensor], module: nn.Module) -> Mapping[str, Tensor]:
    """A header does not say whether IA3's factors are for the input; their number does."""
    if "on_input" not in tensors or "weight" not in tensors:
        return tensors
    side = tensors["weight"].numel() == module.weight.shape[1]
    return {**tensors, "on_input": torch.tensor(side)}


def outline(weights: Weights) -> Components:
    """The networks of a model without their numbers, as its config files describe them.

    Of the VAE, which wears nothing, there is none.
    """
    config = weights.path if weights.kind == "folder" else weights.config
    with torch.device("meta"):
        parts = {name: _built(name, config / name) for name in PARTS if name != "vae"}
    return Components(**parts, vae=None)


def _built(name: str, config: Path) -> nn.Module:
    kind = PARTS[name]
    if issubclass(kind, PreTrainedModel):
        return kind(CLIPTextConfig.from_pretrained(config))
    return kind.from_config(kind.load_config(config))
