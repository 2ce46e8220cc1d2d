"""The LoRA, embedding and wildcard files of the user, by the names that prompts call them by."""

from __future__ import annotations

import os
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tagkit.errors import UserError
from tagkit.prompt import parse
from tagkit.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tagkit.prompt import Network, Prompt
    from tagkit.prompt.templates import Wildcards

# What A1111 and ComfyUI look for; A1111 reads embeddings from pictures, too.
_LORAS = (".safetensors", ".ckpt", ".pt")
_EMBEDDINGS = (".safetensors", ".pt", ".bin", ".png", ".webp", ".jxl", ".avif")
_NETWORKS = ("lora", "lyco")
_LONGEST_HEADER = 1 << 27

T = TypeVar("T")


class Files:
    """Files in the folders of the settings. Nothing is looked for before it is asked for.

    A kind of file is None where tagkit.yaml names no folder for it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.triggers = cache(_triggers)

    @cached_property
    def loras(self) -> Named | None:
        """LoRA files, by their names and by the names that their trainers gave them."""
        folders = self._settings.loras
        return Named(folders, _LORAS, with_aliases=True) if folders else None

    @cached_property
    def embeddings(self) -> Named | None:
        """Files of textual inversion."""
        folders = self._settings.embeddings
        return Named(folders, _EMBEDDINGS) if folders else None

    @cached_property
    def wildcards(self) -> Wildcards | None:
        """Wildcard files."""
        from tagkit.prompt.templates import Wildcards

        folders = self._settings.wildcards
        return Wildcards(folders) if folders else None

    def lora(self, network: Network) -> Path | None:
        """The file of a LoRA tag; None for another kind of network, too."""
        if self.loras is None or network.kind not in _NETWORKS:
            return None
        return self.loras.find(network.name)

    def triggers_in(self, prompt: Prompt) -> frozenset[str]:
        """Canonical names of the triggers of all LoRAs in a prompt, as far as they are known."""
        files = filter(None, map(self.lora, prompt.networks))
        return frozenset(name for file in files for name in self.triggers(file))


class Named:
    """Files below some folders, called by their stems or by their paths without suffix.

    As in A1111 the case counts. with_aliases: a LoRA goes by the name `ss_output_name` of its
    header, too. Of two files of one name that of the earlier folder counts. UserError is raised
    when a folder is asked for that is not there.
    """

    def __init__(
        self, folders: Sequence[Path], suffixes: Sequence[str], *, with_aliases: bool = False
    ) -> None:
        self._folders = folders
        self._suffixes = suffixes
        self._with_aliases = with_aliases
        self.nearest = cache(self._nearest)

    def names(self) -> list[str]:
        """The stems of all files."""
        return list(dict.fromkeys(path.stem for path in self._files.values()))

    def find(self, name: str) -> Path | None:
        """The file of this name; headers are read only if no file itself is called so."""
        found = self._files.get(name)
        return self._aliases.get(name) if found is None else found

    def _nearest(self, name: str) -> str:
        """The name that was likely meant, perhaps in another case; "" if none is near."""
        from difflib import get_close_matches

        spelt = {known.lower(): known for known in (*self._aliases, *self._files)}
        close = get_close_matches(name.lower(), list(spelt), 1, 0.6)
        return spelt[close[0]] if close else ""

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        files: dict[str, Path] = {}
        for folder in self._folders:
            if not folder.is_dir():
                raise UserError(f"there is no folder `{folder}`", "tagkit.yaml names it")
            for parent, below, names in os.walk(folder, followlinks=True):
                below.sort()
                for path in (Path(parent, name) for name in sorted(names)):
                    if path.suffix.lower() in self._suffixes:
                        inside = path.relative_to(folder).with_suffix("").as_posix()
                        files.setdefault(path.stem, path)
                        files.setdefault(inside, path)
        return files

    @cached_property
    def _aliases(self) -> Mapping[str, Path]:
        if not self._with_aliases:
            return {}
        named = {_output_name(path): path for path in reversed([*self._files.values()])}
        return {name: path for name, path in named.items() if name}


class _Metadata(msgspec.Struct):
    ss_output_name: str = ""


class _Header(msgspec.Struct):
    metadata: _Metadata = msgspec.field(name="__metadata__", default_factory=_Metadata)


class _UserMetadata(msgspec.Struct):
    """What A1111 keeps beside a LoRA."""

    activation_text: str = msgspec.field(name="activation text", default="")


class _CivitaiInfo(msgspec.Struct):
    """What downloaders from Civitai keep beside a LoRA."""

    trained_words: list[str] = msgspec.field(name="trainedWords", default_factory=list)


def _output_name(path: Path) -> str:
    """The name that sd-scripts wrote into a LoRA; "" if there is none or no such header."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = file.read(size) if size <= _LONGEST_HEADER else b""
        return msgspec.json.decode(header, type=_Header).metadata.ss_output_name
    except (OSError, msgspec.DecodeError):
        return ""


def _triggers(lora: Path) -> tuple[str, ...]:
    """Canonical names of the tags that wake a LoRA, by what lies beside its file."""
    text = _beside(lora, ".json", _UserMetadata()).activation_text
    words = [text] if text else _beside(lora, ".civitai.info", _CivitaiInfo()).trained_words
    return tuple(dict.fromkeys(tag.name for each in words for tag in parse(each).tags))


def _beside(path: Path, suffix: str, nothing: T) -> T:
    """The JSON file beside another, which is nobody's duty to keep in order."""
    try:
        return msgspec.json.decode(path.with_suffix(suffix).read_bytes(), type=type(nothing))
    except (OSError, msgspec.DecodeError):
        return nothing


NO_FILES = Files(Settings())
