"""What a user names, as addresses of files: cards, URLs, Hugging Face ids, Civitai versions."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from tagkit.errors import UserError
from tagkit.fetching.web import read_json, without_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from tagkit.fetching.hosts import Hosts

# The folders of tagkit.yaml that hold files to be fetched.
Kind: TypeAlias = Literal["checkpoints", "loras", "embeddings", "vaes", "upscalers", "detectors"]
KINDS: tuple[Kind, ...] = ("checkpoints", "loras", "embeddings", "vaes", "upscalers", "detectors")
_CIVITAI_KINDS: Mapping[str, Kind] = {
    "Checkpoint": "checkpoints",
    "LORA": "loras",
    "LoCon": "loras",
    "DoRA": "loras",
    "TextualInversion": "embeddings",
    "VAE": "vaes",
    "Upscaler": "upscalers",
    "Detection": "detectors",
}
_PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle")
# These are read with torch's `weights_only`, which builds tensors and runs nothing.
_READ_SAFELY: Mapping[Kind, tuple[str, ...]] = {
    "upscalers": (".pth", ".pt"),
    "embeddings": (".pt", ".bin"),
}
_MODELS = (".safetensors", ".onnx", ".pth")
_HUB_ID = re.compile(r"([\w.-]+/[\w.-]+)((?:/[^/@]+)*)(?:@([\w./-]+))?")
_CIVITAI_DOWNLOAD = re.compile(r"/api/download/models/(\d+)")


class Remote(msgspec.Struct, frozen=True):
    """A file to fetch. name: what it is kept as. sha256: in hexadecimal, empty if not known."""

    url: str
    name: str
    kind: Kind
    sha256: str = ""


class _CivitaiFile(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    download_url: str
    primary: bool = False
    hashes: dict[str, str] = {}


class _CivitaiModel(msgspec.Struct, frozen=True):
    type: str = ""


class _CivitaiVersion(msgspec.Struct, frozen=True):
    files: tuple[_CivitaiFile, ...] = ()
    model: _CivitaiModel = _CivitaiModel()


class _HubFile(msgspec.Struct, frozen=True):
    rfilename: str


class _HubModel(msgspec.Struct, frozen=True):
    siblings: tuple[_HubFile, ...] = ()


def is_address(text: str) -> bool:
    """Whether this is a URL or a Hugging Face id, and not the name of a card."""
    return "/" in text


def located(
    text: str, kind: Kind | None, sha256: str, hosts: Hosts, session: requests.Session
) -> Remote:
    """The file at a URL or Hugging Face id (`owner/repository[/file][@revision]`).

    kind: what sort of file it is; else it is told from the address. Raises UserError where that is
    not to be told, and for pickles.
    """
    url = text if "://" in text else _hub_url(text, hosts, session)
    if urlsplit(url).scheme not in ("http", "https"):
        raise UserError(f"`{text}` is no address", "", "https://… or owner/repository/file")
    url = hosts.placed(url)
    version = _civitai_version(url, hosts)
    if version:
        return _safe(_of_civitai(version, kind, sha256, hosts, session))
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    if "." not in name:
        raise UserError(f"`{text}` names no file", "", "the address of a file ends in its name")
    return _safe(Remote(url, name, kind or _kind_of(name), sha256))


def of_card(
    url: str, name: str, kind: Kind, sha256: str, hosts: Hosts, session: requests.Session
) -> Remote:
    """The file at the address of a card, kept under the card's name for it. Raises UserError."""
    found = located(url, kind, sha256, hosts, session)
    return _safe(msgspec.structs.replace(found, name=name))


def _safe(remote: Remote) -> Remote:
    """The same, under a name that leads out of no folder. Raises UserError for a pickle."""
    name = remote.name.replace("\\", "/").rpartition("/")[2].lstrip(".")
    suffix = PurePosixPath(name).suffix.lower()
    if not name:
        raise UserError(f"`{remote.name}` is no name for a file", without_query(remote.url))
    if suffix in _PICKLES and suffix not in _READ_SAFELY.get(remote.kind, ()):
        raise UserError(
            f"`{name}` is not fetched: a {suffix} file is a pickle and can run any program",
            without_query(remote.url),
            "look for the .safetensors or .onnx file of it",
        )
    return msgspec.structs.replace(remote, name=name)


def _kind_of(name: str) -> Kind:
    if name.lower().endswith(".onnx"):
        return "detectors"
    raise UserError(f"`{name}` could be many things", "", f"say --kind {'|'.join(KINDS)}")


def _hub_url(text: str, hosts: Hosts, session: requests.Session) -> str:
    parts = _HUB_ID.fullmatch(text)
    if not parts:
        raise UserError(f"`{text}` is no Hugging Face id", "", "owner/repository/file@revision")
    repository, path, revision = parts[1], parts[2].strip("/"), parts[3] or "main"
    path = path or _only_file(repository, revision, hosts, session)
    return f"{hosts.hugging_face}/{repository}/resolve/{revision}/{path}"


def _only_file(repository: str, revision: str, hosts: Hosts, session: requests.Session) -> str:
    """The one model file of a repository. Raises UserError that lists them if there are more."""
    url = f"{hosts.hugging_face}/api/models/{repository}/revision/{revision}"
    model = read_json(url, _HubModel, hosts, session)
    names = [each.rfilename for each in model.siblings if each.rfilename.endswith(_MODELS)]
    if len(names) == 1:
        return names[0]
    what = f"`{repository}` holds {len(names)} model files"
    raise UserError(what, "\n".join(names[:20]), f"name one: {repository}/FILE")


def _civitai_version(url: str, hosts: Hosts) -> str:
    """The number of the model version that a Civitai address is about."""
    if not url.startswith(f"{hosts.civitai}/"):
        return ""
    address = urlsplit(url)
    if download := _CIVITAI_DOWNLOAD.match(address.path):
        return download[1]
    if stated := parse_qs(address.query).get("modelVersionId"):
        return stated[0]
    hint = "open the version on its page and copy the address, which ends in modelVersionId=…"
    raise UserError(f"`{url}` says no version of the model", "", hint)


def _of_civitai(
    version: str, kind: Kind | None, sha256: str, hosts: Hosts, session: requests.Session
) -> Remote:
    """Its main file, with the hash that Civitai states."""
    url = f"{hosts.civitai}/api/v1/model-versions/{version}"
    facts = read_json(url, _CivitaiVersion, hosts, session)
    if not facts.files:
        raise UserError(f"Civitai has no file of version {version}", url)
    file = next((each for each in facts.files if each.primary), facts.files[0])
    kind = kind or _CIVITAI_KINDS.get(facts.model.type) or _kind_of(file.name)
    stated = file.hashes.get("SHA256", "").lower()
    return Remote(hosts.placed(file.download_url), file.name, kind, sha256 or stated)
