"""Where a model's weights lie, and the hash that stands for them. Needs no torch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from tagkit.data import cache_folder, data_folder
from tagkit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.cards import ImageCard
    from tagkit.rendering.hashes import FileHashes

PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle")
_PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
_SDXL = "image/sdxl"


class Weights(msgspec.Struct, frozen=True):
    """The weights of one model.

    kind: `file`, a single safetensors file; `folder`, a diffusers folder; `seed`, none exist and
    `path` is where those made from `seed` are kept. config: the folder of config files.
    digest: SHA-256 of what decides the weights, in hexadecimal.
    """

    kind: Literal["file", "folder", "seed"]
    path: Path
    config: Path
    digest: str
    seed: int = 0


def find_weights(
    card: ImageCard, checkpoint: str, folders: Sequence[Path], hashes: FileHashes
) -> Weights:
    """The weights to render `card` with.

    checkpoint: what the user named instead of the card's own; a path, or a name inside `folders`.
    Raises UserError that says which file is missing and how to name another.
    """
    if checkpoint:
        return _of_path(_named(checkpoint, folders), hashes)
    if card.weights.random_seed is not None:
        return _of_seed(data_folder("models") / card.weights.folder, card.weights.random_seed)
    if card.weights.folder:
        return _of_path(data_folder("models") / card.weights.folder, hashes)
    return _of_files(card, folders, hashes)


def weights_digest(
    card: ImageCard, checkpoint: str, folders: Sequence[Path], hashes: FileHashes
) -> str | None:
    """The digest of the same weights, which a card can state; None while they are missing."""
    stated = next((file.sha256 for file in card.files if file.role == "checkpoint"), "")
    if stated and not checkpoint:
        return stated
    try:
        return find_weights(card, checkpoint, folders, hashes).digest
    except UserError:
        return None


def weights_files(weights: Weights) -> Iterator[Path]:
    """The safetensors files of a diffusers folder; a single file is checked by what it holds."""
    if weights.kind == "folder":
        for name in _PARTS:
            yield from sorted((weights.path / name).glob("*.safetensors"))


def _named(checkpoint: str, folders: Sequence[Path]) -> Path:
    places = [Path(checkpoint).expanduser(), *(folder / checkpoint for folder in folders)]
    for place in places:
        if place.exists():
            return place
        beside = place.with_name(f"{place.name}.safetensors")
        if beside.is_file():
            return beside
    searched = "\n".join(str(folder) for folder in folders)
    hint = "give a path, or a name in one of the folders of `checkpoints` in tagkit.yaml"
    raise UserError(f"there is no checkpoint `{checkpoint}`", searched, hint)


def _of_path(path: Path, hashes: FileHashes) -> Weights:
    if path.is_dir():
        return _of_folder(path, hashes)
    if path.suffix.lower() in PICKLES:
        raise UserError(
            f"`{path}` is not loaded: a {path.suffix} file is a pickle and can run any program",
            "",
            "use the model's .safetensors file, or convert it on a machine that may be lost",
        )
    if path.suffix.lower() != ".safetensors" or not path.is_file():
        raise UserError(f"`{path}` is no safetensors file and no diffusers folder")
    return Weights("file", path, data_folder("models") / _SDXL, hashes.of(path))


def _of_folder(path: Path, hashes: FileHashes) -> Weights:
    missing = [name for name in _PARTS if not (path / name / "config.json").is_file()]
    if missing:
        raise UserError(f"`{path}` is no diffusers folder of an SDXL model", f"no {missing[0]}/")
    bare = [name for name in _PARTS if not any((path / name).glob("*.safetensors"))]
    if bare:
        what = f"`{path}` holds no safetensors file in {bare[0]}/"
        raise UserError(what, "", "pickles (.bin) are not loaded; save the model as safetensors")
    files = sorted(file for name in _PARTS for file in _deciding(path / name))
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path).as_posix()} {hashes.of(file)}\n".encode())
    return Weights("folder", path, path, digest.hexdigest())


def _deciding(part: Path) -> Iterator[Path]:
    yield part / "config.json"
    yield from part.glob("*.safetensors")


def _of_seed(config: Path, seed: int) -> Weights:
    """Line ends of the config files may differ between machines, so their lines are hashed."""
    digest = hashlib.sha256(f"random weights 1, seed {seed}\n".encode())
    for name in _PARTS:
        digest.update(
            "\n".join((config / name / "config.json").read_text("utf-8").split()).encode()
        )
    place = cache_folder() / "models" / digest.hexdigest()[:16]
    return Weights("seed", place, config, digest.hexdigest(), seed)


def _of_files(card: ImageCard, folders: Sequence[Path], hashes: FileHashes) -> Weights:
    file = next((file for file in card.files if file.role == "checkpoint"), None)
    if file is None:
        raise UserError(f"card `{card.name}` names no weights", "", "give them with --checkpoint")
    for folder in folders:
        path = folder / file.name
        if path.is_file():
            config = data_folder("models") / _SDXL
            return Weights("file", path, config, file.sha256 or hashes.of(path))
    hint = (
        "give the file with --checkpoint FILE, or put it in a folder that `checkpoints` of "
        "tagkit.yaml names"
    )
    raise UserError(
        f"the weights of `{card.name}` are not on this machine: {file.name}",
        "\n".join(str(folder) for folder in folders),
        f"tagkit models pull {card.name}; or {hint}" if file.url else hint,
    )
