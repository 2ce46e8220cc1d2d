"""What a trained file says of itself in its safetensors header.

Keys are those of ModelSpec (Stability AI), of sd-scripts where A1111 shows them for LoRAs, and
`tagkit.recipe`. No path of the machine is told.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from tagkit._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tagkit.cards import LoraSize
    from tagkit.training.dataset import Picture
    from tagkit.training.recipe import Recipe

_SDXL = "stable-diffusion-xl-v1-base"
_SDXL_CODE = "https://github.com/Stability-AI/generative-models"


def metadata(
    recipe: Recipe, name: str, pictures: Sequence[Picture], step: int, prediction: str, date: str
) -> dict[str, str]:
    """The header of a file trained for `step` steps. date: of now, in ISO 8601."""
    lora = recipe.lora is not None
    resolution = recipe.buckets.resolution
    said = {
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{_SDXL}/lora" if lora else _SDXL,
        "modelspec.implementation": "diffusers" if lora else _SDXL_CODE,
        "modelspec.title": recipe.about.title or name,
        "modelspec.author": recipe.about.author,
        "modelspec.description": recipe.about.description,
        "modelspec.license": recipe.about.license,
        "modelspec.date": date,
        "modelspec.resolution": f"{resolution}x{resolution}",
        "modelspec.prediction_type": "v" if prediction == "v-prediction" else "epsilon",
        "tagkit.version": __version__,
        "tagkit.steps": str(step),
        "tagkit.pictures": str(sum(not each.regular for each in pictures)),
        "tagkit.recipe": msgspec.json.encode(public_recipe(recipe)).decode(),
    }
    if recipe.lora:
        said |= _of_lora(recipe, recipe.lora, name, pictures, step)
    return {key: value for key, value in said.items() if value}


def _of_lora(
    recipe: Recipe, size: LoraSize, name: str, pictures: Sequence[Picture], step: int
) -> dict[str, str]:
    folders: dict[str, Counter[str]] = {}
    for each in pictures:
        counts = folders.setdefault(each.path.parent.name, Counter())
        counts.update(tag.strip() for tag in each.caption.split(",") if tag.strip())
    return {
        "ss_output_name": name,
        "ss_base_model_version": "sdxl_base_v1-0",
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(size.rank),
        "ss_network_alpha": str(size.alpha or size.rank),
        "ss_learning_rate": str(recipe.learning_rate),
        "ss_optimizer": recipe.optimizer.name,
        "ss_steps": str(step),
        "ss_num_train_images": str(sum(each.repeats for each in pictures if not each.regular)),
        "ss_num_reg_images": str(sum(each.regular for each in pictures)),
        "ss_seed": str(recipe.seed),
        "ss_resolution": f"({recipe.buckets.resolution}, {recipe.buckets.resolution})",
        "ss_tag_frequency": msgspec.json.encode(folders).decode(),
    }


def public_recipe(recipe: Recipe) -> Mapping[str, Any]:
    """A recipe as built-in values, each of its paths only by its last name."""
    said: dict[str, Any] = msgspec.to_builtins(recipe)
    said["data"] = [each | {"folder": _last(each["folder"])} for each in said["data"]]
    if "folders" in said.get("regularisation", {}):
        folders = said["regularisation"]["folders"]
        said["regularisation"] = said["regularisation"] | {"folders": [*map(_last, folders)]}
    start = said["from"]
    if isinstance(start, str):
        said["from"] = _last(start)
    else:
        said["from"] = start | {key: _last(start[key]) for key in ("config", "vae") if key in start}
    if "extends" in said:
        said["extends"] = _last(said["extends"])
    return said


def _last(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]
