"""The files that a job names: where they lie, and the hash that stands for each."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tagkit.cards import detector_cards, upscaler_cards
from tagkit.cards.files import stored_file
from tagkit.errors import UserError
from tagkit.infotext.hashes import lora_hash
from tagkit.linting.files import Named
from tagkit.rendering.headers import Header, read_header
from tagkit.rendering.job import needed_files
from tagkit.rendering.recognising import description, require_lora, require_vae
from tagkit.settings import folders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tagkit.cards import DetectorCard, UpscalerCard
    from tagkit.rendering.hashes import FileHashes
    from tagkit.rendering.job import Job, Kind
    from tagkit.settings import Settings


class _Form(NamedTuple):
    """What a kind of file is called and looks like; `advice` is for the suffixes refused."""

    noun: str
    suffixes: tuple[str, ...]
    advice: str


_PICKLE = "is a pickle, and loading one can run any program"
# A .pth, .pt or .bin that is taken here is read by torch with `weights_only`, which runs nothing.
_FORMS: Mapping[Kind, _Form] = {
    "loras": _Form("LoRA", (".safetensors",), "use the .safetensors file of it"),
    "embeddings": _Form("embedding", (".safetensors", ".pt", ".bin"), ""),
    "vaes": _Form("VAE", (".safetensors",), "use the .safetensors file of it"),
    "upscalers": _Form("upscaler", (".safetensors", ".pth"), ""),
    "detectors": _Form("detector", (".onnx",), "export it as ONNX"),
}
_PICKLES = (".pt", ".pth", ".ckpt", ".bin", ".pkl")
_READABLE = ".safetensors"


def _require_upscaler(path: Path) -> None:
    what = description(read_header(path))
    if what != description(Header({}, {})):
        raise UserError(f"`{path}` is no upscaler but {what}")


_CARDS: Mapping[str, Callable[[Sequence[Path]], Mapping[str, UpscalerCard | DetectorCard]]] = {
    "upscalers": upscaler_cards,
    "detectors": detector_cards,
}
# Raise UserError for a file whose header says that it is something else.
_REQUIRED: Mapping[str, Callable[[Path], object]] = {
    "loras": require_lora,
    "vaes": require_vae,
    "upscalers": _require_upscaler,
}


class Finder:
    """Looks in the folders of `tagkit.yaml`, each of which is read once."""

    def __init__(self, settings: Settings, hashes: FileHashes) -> None:
        self._settings = settings
        self._hashes = hashes
        self._named = cache(self._named_files)
        self._carded = cache(self._cards)
        self.digest = cache(self._digest)

    def names(self, kind: Kind) -> Iterable[str]:
        """Names of all files of a kind, as prompts use them."""
        return self._named(kind, _FORMS[kind].suffixes).names() if self._folders(kind) else ()

    def find(self, kind: Kind, name: str) -> Path:
        """The file `name`: a full path, a card, or a name in a folder, with or without suffix.

        Raises UserError that says where it was looked for, or why the file is not taken.
        """
        path = Path(name).expanduser()
        if not (path.is_absolute() and path.is_file()):
            path = self._of_card(kind, name) or self._in_folders(kind, name)
        form, suffix = _FORMS[kind], path.suffix.lower()
        if suffix not in form.suffixes:
            reason = _PICKLE if suffix in _PICKLES else f"is no {' or '.join(form.suffixes)} file"
            raise UserError(f"the {form.noun} `{path}` {reason}", "", form.advice)
        if suffix == _READABLE and kind in _REQUIRED:
            _REQUIRED[kind](path)
        return path

    def lora_hash(self, name: str) -> str:
        """A1111's hash of a LoRA, "" while it is missing."""
        try:
            return self._hashes.of(self.find("loras", name), lora_hash)
        except UserError:
            return ""

    def problem(self, kind: Kind, name: str) -> str:
        """Why there is no digest, in one line."""
        try:
            self._hashes.of(self.find(kind, name))
        except UserError as error:
            return "; ".join(part for part in (error.what, error.where, error.hint) if part)
        return ""

    def _digest(self, kind: Kind, name: str) -> str | None:
        """SHA-256 of the file, None while it is missing; `problem` says why."""
        try:
            return self._hashes.of(self.find(kind, name))
        except UserError:
            return None

    def _of_card(self, kind: Kind, name: str) -> Path | None:
        """The file of the card that is called so, None if there is no card or it names none."""
        card = self._carded(kind).get(name.casefold())
        if card is None or not card.files:
            return None
        file = card.files[0]
        found = stored_file(card, file, self._folders(kind)) or self._called(kind, name)
        if found:
            return found
        what = (
            f"the file of the {_FORMS[kind].noun} `{card.name}` is not on this machine: {file.name}"
        )
        raise UserError(what, self._looked(kind), f"tagkit models pull {card.name}")

    def _in_folders(self, kind: Kind, name: str) -> Path:
        found = self._called(kind, name)
        if found is None:
            what = f"there is no {_FORMS[kind].noun} `{name}`"
            advice = f"name a folder in tagkit.yaml: `{kind}: [folder]`"
            close = get_close_matches(name, list(self.names(kind)), 1)
            hint = f"did you mean `{close[0]}`?" if close else ""
            raise UserError(what, self._looked(kind), hint if self._folders(kind) else advice)
        return found

    def _called(self, kind: Kind, name: str) -> Path | None:
        """The file of that name; one that cannot be taken only where no other is called so."""
        suffixes = _FORMS[kind].suffixes
        stem = name.replace("\\", "/")
        if stem.lower().endswith((*suffixes, *_PICKLES)):
            stem = stem.rpartition(".")[0]
        return self._named(kind, suffixes).find(stem) or self._named(kind, _PICKLES).find(stem)

    def _looked(self, kind: Kind) -> str:
        folders = ", ".join(map(str, self._folders(kind)))
        return f"looked in {folders}" if folders else ""

    def _folders(self, kind: Kind) -> Sequence[Path]:
        """Those that tagkit.yaml names, and where `tagkit models pull` puts files if it did."""
        named: Sequence[Path] = getattr(self._settings, kind)
        return [each for each in folders_of(self._settings, kind) if each in named or each.is_dir()]

    def _named_files(self, kind: Kind, suffixes: tuple[str, ...]) -> Named:
        return Named(self._folders(kind), suffixes, with_aliases=kind == "loras")

    def _cards(self, kind: Kind) -> dict[str, UpscalerCard | DetectorCard]:
        """Cards of a kind by all their names."""
        cards = _CARDS[kind](self._settings.cards).values() if kind in _CARDS else ()
        return {name.casefold(): card for card in cards for name in (card.name, *card.aliases)}


def find_files(jobs: Iterable[Job], settings: Settings, hashes: FileHashes) -> dict[str, Path]:
    """The files of all jobs by their digests. Raises UserError for one that is not there."""
    finder = Finder(settings, hashes)
    needed = dict.fromkeys((kind, name) for job in jobs for kind, name, _ in needed_files(job))
    paths = (finder.find(kind, name) for kind, name in needed)
    return {hashes.of(path): path for path in paths}


def unchanged(jobs: Iterable[Job], settings: Settings, hashes: FileHashes) -> bool:
    """Whether every file that the jobs need is the one they were planned with."""
    finder = Finder(settings, hashes)
    needed = {each for job in jobs for each in needed_files(job)}
    return all(finder.digest(kind, name) == digest for kind, name, digest in needed)
