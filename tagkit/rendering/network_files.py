"""Files of LoRA and LyCORIS networks: tensors, sorted by the module that they change.

Whoever wrote a file, its tensors get the names of kohya's sd-scripts and of LyCORIS here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load

from tagkit.errors import UserError
from tagkit.rendering.headers import read_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import TypeAlias

    from torch import Tensor

    # The tensors of each module: `{"unet_down_blocks_…": {"lora_up": …, "alpha": …}}`.
    Network: TypeAlias = dict[str, dict[str, Tensor]]

# Longest first: the ends of some are the ends of others. peft calls up B and down A.
_ENDS = {
    ".lora_linear_layer.down.weight": "lora_down",
    ".lora_linear_layer.up.weight": "lora_up",
    ".lora_magnitude_vector.weight": "dora_scale",
    ".lora_magnitude_vector": "dora_scale",
    ".lora_down.weight": "lora_down",
    ".lora_up.weight": "lora_up",
    ".lora_mid.weight": "lora_mid",
    ".lora.down.weight": "lora_down",
    ".lora.up.weight": "lora_up",
    "_lora.down.weight": "lora_down",
    "_lora.up.weight": "lora_up",
    ".lora_A.weight": "lora_down",
    ".lora_B.weight": "lora_up",
    ".dora_scale": "dora_scale",
    **{f".hada_{name}": f"hada_{name}" for name in ("w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2")},
    **{
        f".lokr_{name}": f"lokr_{name}"
        for name in ("w1_a", "w1_b", "w1", "w2_a", "w2_b", "w2", "t2")
    },
    ".on_input": "on_input",
    ".w_norm": "diff",
    ".b_norm": "diff_b",
    ".diff_b": "diff_b",
    ".diff": "diff",
    ".alpha": "alpha",
    ".scale": "scale",
    ".weight": "weight",
}
# Tensors of one number, which decide how the others are taken.
NUMBERS = ("alpha", "scale", "on_input")
_ADAPTER = "lora_adapter_metadata"
_PARTS = ("text_encoder_2", "text_encoder", "unet")


def read_network(path: Path) -> Network:
    """The tensors of a file by module and name, on the CPU. Raises UserError for one that is none.

    Names of modules are joined by `_`, as kohya's are.
    """
    metadata = read_header(path).metadata
    try:
        # Read whole: safetensors' own way with files keeps 11 KiB of each for ever (0.8.0).
        tensors = load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise UserError(f"cannot read the LoRA `{path}`", str(error)) from error
    return _by_module(tensors, metadata, path)


def outline_network(path: Path) -> Network:
    """The same by the header alone: tensors without numbers (`meta`), alphas of 1."""
    header = read_header(path)
    tensors = {key: _outline(key, shape) for key, shape in header.shapes.items()}
    return _by_module(tensors, header.metadata, path)


def _outline(key: str, shape: tuple[int, ...]) -> Tensor:
    number = any(key.endswith(f".{name}") for name in NUMBERS)
    return torch.ones(shape, device="cpu" if number else "meta")


def _by_module(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path) -> Network:
    network: Network = {}
    for key, tensor in tensors.items():
        module, name = _parted(key, path)
        network.setdefault(module, {})[name] = tensor
    _state_alphas(network, metadata.get(_ADAPTER, ""))
    return network


def _parted(key: str, path: Path) -> tuple[str, str]:
    for end, name in _ENDS.items():
        if key.endswith(end):
            module = key.removesuffix(end).replace(".processor.", ".")
            return module.replace(".", "_"), name
    raise UserError(f"the LoRA `{path}` holds `{key}`, which tagkit does not know")


def _state_alphas(network: Network, written: str) -> None:
    """peft keeps alpha not with the tensors but in its settings, which diffusers writes down."""
    settings: dict[str, object] = {}
    with suppress(msgspec.DecodeError):
        settings = msgspec.json.decode(written or "{}", type=dict[str, object])
    for module, tensors in network.items():
        part = next((each for each in _PARTS if module.startswith(f"{each}_")), "")
        alpha = _alpha(settings, part, module)
        if alpha is None or "lora_down" not in tensors or "alpha" in tensors:
            continue
        # Rank-stabilised LoRA divides by the root of the rank.
        rank = len(tensors["lora_down"])
        stabilised = settings.get(f"{part}.use_rslora")
        tensors["alpha"] = torch.tensor(alpha * rank**0.5 if stabilised else alpha)


def _alpha(settings: Mapping[str, object], part: str, module: str) -> float | None:
    """`alpha_pattern` states it for modules whose names end so, `lora_alpha` for the others."""
    stated = settings.get(f"{part}.lora_alpha")
    pattern = settings.get(f"{part}.alpha_pattern")
    for name, value in pattern.items() if isinstance(pattern, dict) else ():
        if module.endswith(name.replace(".", "_")):
            stated = value
    return float(stated) if isinstance(stated, int | float) else None
