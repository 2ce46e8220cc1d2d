"""Where a tag model's files are: the user's folder, or one in the cache of Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tagkit.errors import UserError
from tagkit.extras import need

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.expansion.tag_model import Source

INDEX = "model.safetensors.index.json"
_WANTED = (
    *("config.json", "generation_config.json", "model*.safetensors", INDEX),
    *("tokenizer*", "special_tokens_map.json", "added_tokens.json"),
)
_TOKENIZERS = ("tokenizer.json", "tokenizer.model")
# What else weights come in, and why it is not read.
_PICKLED = "pickled weights can run any code when they are read; safetensors cannot"
_REFUSED = dict.fromkeys((".bin", ".pt", ".pth", ".ckpt"), _PICKLED) | {
    ".gguf": "engines for GGUF do not let tags be judged while they are written"
}


class _Index(msgspec.Struct):
    """The part of an index file that names the files of weights."""

    weight_map: dict[str, str]


def folder_of(source: Source) -> Path:
    """The folder with all files of the model.

    What the cache has is taken as it is; only what it lacks is fetched, and only if the user named
    the model. Raises UserError where files are missing or of a kind that is not read.
    """
    folder = source.folder or _cached(source) or _fetched(source)
    problem = next(_problems(folder), None)
    if problem:
        raise UserError(f"`{folder}` holds no tag model that tagkit reads", "", problem)
    if not (folder / _TOKENIZERS[0]).is_file():
        need("expand", "sentencepiece")  # reads LLaMA's own form, tokenizer.model
    return folder


def _cached(source: Source) -> Path | None:
    """The folder in the cache if it is there and whole: a download may have been interrupted."""
    need("expand", "huggingface_hub")
    try:
        folder = _snapshot(source, offline=True)
    except (OSError, ValueError):  # nothing there, or an id that the hub cannot have
        return None
    return None if next(_problems(folder), None) else folder


def _fetched(source: Source) -> Path:
    hint = "`--tag-model tiny` works without any download"
    if not source.may_fetch:
        raise UserError(
            f"the weights of the tag model `{source.name}` are not on this machine",
            "",
            f"`--tag-model {source.hub}` fetches them from Hugging Face; {hint}",
        )
    try:
        return _snapshot(source, offline=False)
    except Exception as error:  # errors of the network, of files and of the hub
        raise UserError(f"cannot fetch `{source.hub}`", first_line(error), hint) from error


def _snapshot(source: Source, *, offline: bool) -> Path:
    from huggingface_hub import snapshot_download

    pinned = source.card.weights
    return Path(
        snapshot_download(
            source.hub,
            revision=(pinned.revision if source.hub == pinned.hub else "") or None,
            allow_patterns=list(_WANTED),
            local_files_only=offline,
        )
    )


def _problems(folder: Path) -> Iterator[str]:
    """What keeps the folder from being read, the most telling first."""
    if not (folder / "config.json").is_file():
        yield "it needs a config.json"
    if not any(folder.glob("model*.safetensors")):
        suffixes = {path.suffix for path in folder.iterdir()} if folder.is_dir() else set()
        yield from (why for suffix, why in _REFUSED.items() if suffix in suffixes)
        yield "it needs weights as safetensors"
    missing = [name for name in _shards(folder) if not (folder / name).is_file()]
    if missing:
        yield f"it lacks {', '.join(missing)}"
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        yield f"it needs a {' or a '.join(_TOKENIZERS)}"


def _shards(folder: Path) -> list[str]:
    """Names of all files that the weights are parted into."""
    index = folder / INDEX
    if not index.is_file():
        return []
    try:
        return sorted(set(msgspec.json.decode(index.read_bytes(), type=_Index).weight_map.values()))
    except msgspec.MsgspecError as error:
        raise UserError(f"`{index}` is no index of weights", first_line(error)) from error


def first_line(error: Exception) -> str:
    """The first line of what a library says."""
    return next(iter(str(error).splitlines()), type(error).__name__)
