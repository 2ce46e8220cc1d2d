"""Where A1111 and ComfyUI keep their models: the folders of an installation that are there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tagkit.errors import UserError
from tagkit.settings import SEARCHED
from tagkit.typed_yaml import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Kind of file, by the key of tagkit.yaml: the folders below an installation that may hold it.
# `extensions/` and `custom_nodes/` are those of ADetailer, Dynamic Prompts and the Impact Pack.
A1111: Mapping[str, tuple[str, ...]] = {
    "checkpoints": ("models/Stable-diffusion",),
    "loras": ("models/Lora", "models/LyCORIS"),
    "embeddings": ("embeddings",),
    "vaes": ("models/VAE",),
    "upscalers": ("models/ESRGAN", "models/RealESRGAN", "models/DAT", "models/SwinIR"),
    "detectors": ("models/adetailer",),
    "wildcards": (
        "extensions/sd-dynamic-prompts/wildcards",
        "extensions/stable-diffusion-webui-wildcards/wildcards",
    ),
    "styles": ("styles.csv",),
}
COMFYUI: Mapping[str, tuple[str, ...]] = {
    "checkpoints": ("models/checkpoints",),
    "loras": ("models/loras",),
    "embeddings": ("models/embeddings",),
    "vaes": ("models/vae",),
    "upscalers": ("models/upscale_models",),
    "detectors": ("models/ultralytics/bbox", "models/ultralytics/segm"),
    "wildcards": (
        "custom_nodes/comfyui-impact-pack/wildcards",
        "custom_nodes/ComfyUI-Impact-Pack/wildcards",
        "custom_nodes/comfyui-dynamicprompts/wildcards",
    ),
}
EXTRA_PATHS = "extra_model_paths.yaml"
# Keys of extra_model_paths.yaml that tagkit calls by another name.
_EXTRA_KEYS = {
    "vae": "vaes",
    "upscale_models": "upscalers",
    "ultralytics_bbox": "detectors",
    "ultralytics_segm": "detectors",
}

Folders = dict[str, list[Path]]


def a1111_folders(root: Path) -> Folders:
    """The folders of an A1111 (or Forge) installation that exist. Raises UserError for none."""
    return _known(dict(_existing(root, A1111)), root, "A1111")


def comfyui_folders(root: Path) -> Folders:
    """Those of a ComfyUI, with what its `extra_model_paths.yaml` adds. Raises UserError."""
    found: Folders = dict(_existing(root, COMFYUI))
    extra = root / EXTRA_PATHS
    if extra.is_file():
        for key, path in _extra_paths(extra):
            if path not in found.setdefault(key, []):
                found[key].append(path)
    return _known(found, root, "ComfyUI")


def _existing(
    root: Path, layout: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, list[Path]]]:
    for key, names in layout.items():
        # Two spellings of a name are one folder where case does not count.
        paths = {path.resolve(): path for name in names if (path := root / name).exists()}
        if paths:
            yield key, list(paths.values())


def _known(found: Folders, root: Path, program: str) -> Folders:
    if any(found.values()):
        return found
    if not root.is_dir():
        raise UserError(f"there is no folder `{root}`")
    hint = f"name the folder of {program} itself, the one with `models` in it"
    raise UserError(f"`{root}` holds no folder of {program}", "", hint)


def _extra_paths(file: Path) -> Iterator[tuple[str, Path]]:
    """Existing folders of the file: each section has a base path, and names one a line."""
    for section in read_yaml(file, dict[str, dict[str, object] | None]).values():
        if not section:
            continue
        base = file.parent / _spelled_out(str(section.get("base_path") or ""))
        for name, value in section.items():
            key = _EXTRA_KEYS.get(name, name)
            if key not in SEARCHED or not isinstance(value, str):
                continue
            for line in value.splitlines():
                path = base / _spelled_out(line.strip())
                if line.strip() and path.exists():
                    yield key, path


def _spelled_out(path: str) -> Path:
    return Path(os.path.expandvars(path)).expanduser()
