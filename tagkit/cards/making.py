"""New cards for files of the user's own, as merges and fine-tunes are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from tagkit.cards.files import cards_named
from tagkit.cards.parts import Weights
from tagkit.errors import UserError
from tagkit.infotext.hashes import safetensors_header, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
# Stability AI's ModelSpec: what a file's metadata may say, and the key of a card for it.
_SAID = {"modelspec.title": "title", "modelspec.description": "summary"}
# Keys by which A1111 and ComfyUI know a model that predicts v, and one trained to zero SNR.
_V_PREDICTION, _ZERO_SNR = "v_pred", "ztsnr"


def new_card(name: str, extends: str, file: Path, folders: Sequence[Path]) -> str:
    """The YAML of a card for `file` that says everything else as the card `extends` does.

    folders: the user's cards. Raises UserError for a name that is none or taken, for a card that
    does not exist and a file that cannot be read.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"`{name}` is no name for a card", "", "use a-z, 0-9, `-`, `_` and `.`")
    parent = cards_named(extends, folders)[0]
    role = parent.files[0].role if parent.files else "checkpoint"
    card: dict[str, Any] = {"card": parent.card, "name": name, "title": name, "extends": extends}
    # What belongs to the other file, and not to all that is made of it.
    card |= {"aliases": []} if getattr(parent, "aliases", ()) else {}
    card |= {"weights": {}} if parent.weights != Weights() else {}
    card["files"] = [{"name": file.name, "role": role, "sha256": sha256(file)}]
    if file.suffix.lower() == ".safetensors":
        header = safetensors_header(file)
        metadata = {key: str(value) for key, value in header.get("__metadata__", {}).items()}
        card |= _known(metadata)
        card |= _sampling(header, metadata) if parent.card == "image" else {}
    return yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=100)


def _known(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What the file says of itself."""
    known: dict[str, Any] = {key: metadata[said] for said, key in _SAID.items() if said in metadata}
    if licence := metadata.get("modelspec.license"):
        known["licence"] = {"name": licence, "source": "the file's own metadata"}
    if author := metadata.get("modelspec.author"):
        known["sources"] = [f"{author}, as the file's own metadata has it"]
    return known


def _sampling(header: Mapping[str, object], metadata: Mapping[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if _V_PREDICTION in header or metadata.get("modelspec.prediction_type", "").startswith("v"):
        said["prediction"] = "v-prediction"
    if _ZERO_SNR in header:
        said["zero_snr"] = True
    return {"sampling": said} if said else {}
