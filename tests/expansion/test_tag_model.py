from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.expansion import find_tag_model, load_tag_model

if TYPE_CHECKING:
    from pathlib import Path

    from tagkit.expansion import TagModel

TINY = data_folder("models") / "tiny" / "tag"


def test_names() -> None:
    assert find_tag_model("tiny", named_by_user=False).folder == TINY
    rev2 = find_tag_model("dantaggen-delta-rev2", named_by_user=False)
    assert (rev2.hub, rev2.may_fetch) == ("KBlueLeaf/DanTagGen-delta-rev2", False)
    by_id = find_tag_model("KBlueLeaf/DanTagGen-delta-rev2", named_by_user=True)
    assert (by_id.card, by_id.may_fetch) == (rev2.card, True)
    assert find_tag_model("someone/else", named_by_user=True).card == rev2.card


@pytest.mark.parametrize("name", ["tinny", "./nowhere", "/no/such/folder", "a/b/c", "../x"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(UserError):
        find_tag_model(name, named_by_user=True)


def test_nothing_is_fetched_unasked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    asked = []
    monkeypatch.setattr(hub, "snapshot_download", lambda *_, **given: asked.append(given) or 1 / 0)
    with pytest.raises(UserError, match="not on this machine") as error:
        load_tag_model(find_tag_model("dantaggen-delta-rev2", named_by_user=False))
    assert "tiny" in error.value.hint
    assert [each["local_files_only"] for each in asked] == [True]
    with pytest.raises(UserError, match="cannot fetch"):
        load_tag_model(find_tag_model("dantaggen-delta-rev2", named_by_user=True))


def copy(folder: Path, **config: object) -> Path:
    shutil.copytree(TINY, folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return folder


def load(folder: Path) -> TagModel:
    return load_tag_model(find_tag_model(str(folder), named_by_user=True), "cpu")


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    model = load(copy(tmp_path / "own"))
    assert model.name == str(tmp_path / "own")
    assert model.ids("general: 1girl<|input_end|>")


def test_folders_that_hold_no_tag_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no tag model"):
        load(tmp_path)
    with pytest.raises(UserError, match="of type gpt2"):
        load(copy(tmp_path / "gpt", model_type="gpt2"))
    with pytest.raises(UserError, match="cannot load"):
        load(copy(tmp_path / "size", hidden_size=64))


def test_damaged_weights(tmp_path: Path) -> None:
    folder = copy(tmp_path / "cut")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot load"):
        load(folder)
    weights.unlink()
    with pytest.raises(UserError, match="cannot load"):
        load(folder)


def test_weights_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lacks weights"):
        load(copy(tmp_path / "deeper", num_hidden_layers=5))


def test_the_reader_of_llamas_tokenizer_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagkit.extras.find_spec", lambda name: name != "sentencepiece" or None)
    folder = copy(tmp_path / "old")
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    with pytest.raises(UserError, match="sentencepiece") as error:
        load(folder)
    assert "pip install" in error.value.hint


def test_a_tokenizer_without_the_layouts_tokens() -> None:
    source = find_tag_model("tiny", named_by_user=True)
    layout = msgspec.structs.replace(source.card.layout, end_of_input="<|other|>")
    card = msgspec.structs.replace(source.card, layout=layout)
    with pytest.raises(UserError, match="does not know"):
        load_tag_model(msgspec.structs.replace(source, card=card), "cpu")


def test_devices() -> None:
    with pytest.raises(UserError, match="no device `tpu`"):
        load_tag_model(find_tag_model("tiny", named_by_user=True), "tpu")


def test_size_and_licence_of_what_is_carried() -> None:
    files = [path for path in TINY.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 2_500_000
    assert {path.suffix for path in files} == {".json", ".safetensors"}
