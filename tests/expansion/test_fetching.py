"""Weights from a hub, its cache, and folders: with the hub's own client and a server here."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hub_server import COMMIT, Hub, hub_of

from tagkit.errors import UserError
from tagkit.expansion import find_tag_model
from tagkit.expansion.fetching import folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

REV2 = "KBlueLeaf/DanTagGen-delta-rev2"


class Machine:
    """A machine with an empty cache, and a hub that has delta rev2 and others."""

    def __init__(self, hub: Hub, models: dict[str, Path], close: Callable[[], None]) -> None:
        self.hub = hub
        self.models = models
        self.close = close

    def folder(self, name: str, *, named: bool, **weights: str) -> Path:
        source = find_tag_model(name, named_by_user=named)
        pinned = msgspec.structs.replace(source.card.weights, **weights)
        card = msgspec.structs.replace(source.card, weights=pinned)
        return folder_of(msgspec.structs.replace(source, card=card))

    def requests(self) -> list[str]:
        """Those since the last call."""
        asked = list(self.hub.asked)
        self.hub.asked.clear()
        return asked


@pytest.fixture(scope="module")
def rev2(random_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = random_model(tmp_path_factory.mktemp("rev2"), "dantaggen-delta-rev2")
    (folder / "ggml-model-f16.gguf").write_bytes(b"GGUF")
    (folder / "pytorch_model.bin").write_bytes(b"pickled")
    return folder


@pytest.fixture
def machine(rev2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    from huggingface_hub import constants

    models = {REV2: rev2, "someone/DanTagGen-beta": rev2, "someone/pickles": tmp_path / "pickles"}
    models["someone/pickles"].mkdir()
    for name in ("config.json", "tokenizer.model", "tokenizer_config.json", "pytorch_model.bin"):
        (models["someone/pickles"] / name).write_bytes((rev2 / name).read_bytes())
    with ExitStack() as stack:
        hub = stack.enter_context(hub_of(models))
        url = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield Machine(hub, models, stack.close)


def test_what_is_not_named_is_not_asked_for(machine: Machine) -> None:
    with pytest.raises(UserError, match="not on this machine") as error:
        machine.folder("dantaggen-delta-rev2", named=False)
    assert machine.requests() == []
    assert "--tag-model" in error.value.hint
    assert "tiny" in error.value.hint


@pytest.mark.parametrize("name", [REV2, "dantaggen-delta-rev2"])
def test_what_is_named_is_fetched_once(machine: Machine, rev2: Path, name: str) -> None:
    folder = machine.folder(name, named=True)
    assert (folder / "model.safetensors").read_bytes() == (rev2 / "model.safetensors").read_bytes()
    assert not list(folder.glob("*.gguf")) + list(folder.glob("*.bin"))
    assert machine.requests()
    assert machine.folder(name, named=True) == folder
    assert machine.folder("dantaggen-delta-rev2", named=False) == folder
    assert machine.requests() == []
    machine.close()
    assert machine.folder(name, named=True) == folder


def test_a_download_that_was_cut_off_is_no_model(machine: Machine) -> None:
    weights = machine.folder(REV2, named=True) / "model.safetensors"
    weights.unlink()
    machine.requests()
    with pytest.raises(UserError, match="not on this machine"):
        machine.folder("dantaggen-delta-rev2", named=False)
    assert machine.requests() == []
    assert (machine.folder(REV2, named=True) / "model.safetensors").is_file()


def test_the_revision_of_the_card_is_that_of_its_own_model(machine: Machine) -> None:
    machine.folder(REV2, named=True, revision=COMMIT)
    assert not any("main" in path for path in machine.requests())
    machine.folder("someone/DanTagGen-beta", named=True, revision="f" * 40)
    assert not any("f" * 40 in path for path in machine.requests())


def test_a_hub_that_lacks_the_model_or_is_away(machine: Machine) -> None:
    for name in ("someone/nothing", "some..one/no--thing"):
        with pytest.raises(UserError, match=f"cannot fetch `{name}`"):
            machine.folder(name, named=True)
    machine.close()
    with pytest.raises(UserError, match="cannot fetch") as error:
        machine.folder(REV2, named=True)
    assert "tiny" in error.value.hint


def test_pickles_are_neither_fetched_nor_read(machine: Machine) -> None:
    with pytest.raises(UserError, match="no tag model") as error:
        machine.folder("someone/pickles", named=True)
    assert "safetensors" in error.value.hint
    assert not any("pytorch_model.bin" in path for path in machine.requests())
    with pytest.raises(UserError, match="no tag model") as error:
        machine.folder(str(machine.models["someone/pickles"]), named=True)
    assert "run any code" in error.value.hint


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "config.json"),
        (["config.json"], "safetensors"),
        (["config.json", "model-f16.gguf"], "GGUF"),
        (["config.json", "model.ckpt"], "run any code"),
        (["config.json", "model.safetensors"], "tokenizer.json or a tokenizer.model"),
        (
            ["config.json", "model-1.safetensors", "model.safetensors.index.json"],
            "lacks model-2.safetensors",
        ),
    ],
)
def test_a_folder_says_what_it_lacks(tmp_path: Path, files: list[str], said: str) -> None:
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    for name in files:
        (tmp_path / name).write_bytes(msgspec.json.encode(index))
    with pytest.raises(UserError, match="no tag model") as error:
        folder_of(find_tag_model(str(tmp_path), named_by_user=True))
    assert said in error.value.hint


def test_a_broken_index_is_named(tmp_path: Path) -> None:
    for name in ("config.json", "model-1.safetensors", "model.safetensors.index.json"):
        (tmp_path / name).write_text("[]")
    with pytest.raises(UserError, match="no index"):
        folder_of(find_tag_model(str(tmp_path), named_by_user=True))


def test_from_the_hub_to_a_prompt(
    machine: Machine, tmp_path: Path, run: Callable[..., CompletedProcess[str]]
) -> None:
    """In processes of their own, which know the hub only by its documented variables."""
    here: dict[str, Any] = {"HF_ENDPOINT": machine.hub.address, "HF_HOME": str(tmp_path / "home")}
    asked = ("expand", "1girl, (hat:1.2)", "--seed", 1, "--length", "very-short", "--device", "cpu")
    unnamed = run(*asked, **here)
    assert (unnamed.returncode, machine.requests()) == (2, [])
    named = run(*asked, "--tag-model", REV2, **here)
    assert named.returncode == 0, named.stderr
    assert "(hat:1.2)" in named.stdout
    machine.close()
    assert run(*asked, **here).stdout == named.stdout
