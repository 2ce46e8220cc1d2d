from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import pytest

from tagkit.cards import image_card
from tagkit.cards.parts import Weights
from tagkit.errors import UserError
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.weights import find_weights, weights_digest

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture
def hashes(tmp_path, monkeypatch):
    monkeypatch.setenv("TAGKIT_CACHE", str(tmp_path / "cache"))
    return FileHashes()


@pytest.fixture
def folder(tmp_path):
    """A diffusers folder, as far as its names go."""
    for name in ("unet", "vae", "text_encoder", "text_encoder_2"):
        part = tmp_path / "model" / name
        part.mkdir(parents=True)
        (part / "config.json").write_text("{}")
        (part / "model.safetensors").write_text(name)
    return tmp_path / "model"


def test_a_random_model_is_known_by_its_config_and_seed(hashes):
    drawn = Weights(folder=str(Path(__file__).parent / "random_model"), random_seed=0)
    card = msgspec.structs.replace(image_card("tiny"), weights=drawn)
    found = find_weights(card, "", (), hashes)
    assert found.kind == "seed"
    other = msgspec.structs.replace(drawn, random_seed=1)
    again = find_weights(msgspec.structs.replace(card, weights=other), "", (), hashes)
    assert found.digest != again.digest
    assert found.path != again.path


def test_a_named_file(hashes, tmp_path):
    (tmp_path / "a.safetensors").write_text("hello")
    card = image_card("tiny")
    for name in (str(tmp_path / "a.safetensors"), "a.safetensors", "a"):
        found = find_weights(card, name, (tmp_path,), hashes)
        assert (found.kind, found.digest) == ("file", HELLO)
        assert found.path == tmp_path / "a.safetensors"


def test_a_named_folder(hashes, folder):
    card = image_card("baxl-v3")
    found = find_weights(card, str(folder), (), hashes)
    assert (found.kind, found.path) == ("folder", folder)
    (folder / "unet" / "model.safetensors").write_text("other weights")
    assert find_weights(card, str(folder), (), hashes).digest != found.digest


@pytest.mark.parametrize("suffix", ["ckpt", "pt", "pth", "bin", "CKPT"])
def test_pickles_are_refused(hashes, tmp_path, suffix):
    (tmp_path / f"a.{suffix}").write_text("x")
    with pytest.raises(UserError, match="pickle"):
        find_weights(image_card("tiny"), str(tmp_path / f"a.{suffix}"), (), hashes)


def test_a_folder_of_pickles_is_refused(hashes, folder):
    (folder / "vae" / "model.safetensors").rename(folder / "vae" / "model.bin")
    with pytest.raises(UserError, match="safetensors"):
        find_weights(image_card("tiny"), str(folder), (), hashes)


def test_a_folder_of_something_else(hashes, tmp_path):
    with pytest.raises(UserError, match="no diffusers folder"):
        find_weights(image_card("tiny"), str(tmp_path), (), hashes)


def test_a_name_that_is_nowhere(hashes, tmp_path):
    with pytest.raises(UserError, match="no checkpoint `nope`") as caught:
        find_weights(image_card("tiny"), "nope", (tmp_path,), hashes)
    assert str(tmp_path) in caught.value.where


def test_the_cards_own_file_is_looked_for(hashes, tmp_path):
    card = image_card("baxl-v3")
    with pytest.raises(UserError, match=r"baxl-v3\.safetensors") as caught:
        find_weights(card, "", (tmp_path,), hashes)
    assert "--checkpoint" in caught.value.hint
    assert weights_digest(card, "", (tmp_path,), hashes) is None
    (tmp_path / "baxl-v3.safetensors").write_text("hello")
    assert find_weights(card, "", (tmp_path,), hashes).digest == HELLO
    assert weights_digest(card, "", (tmp_path,), hashes) == HELLO


def test_a_card_can_state_the_hash(hashes):
    card = image_card("baxl-v3")
    stated = tuple(msgspec.structs.replace(file, sha256="ab" * 32) for file in card.files)
    card = msgspec.structs.replace(card, files=stated)
    assert weights_digest(card, "", (), hashes) == "ab" * 32


def test_hashes_are_remembered_until_the_file_changes(hashes, tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_text("hello")
    assert hashes.of(path) == HELLO
    changed = path.stat().st_mtime_ns
    path.write_text("world")
    os.utime(path, ns=(changed, changed))
    assert FileHashes().of(path) == HELLO
    os.utime(path, ns=(1, 1))
    assert FileHashes().of(path) == hashlib.sha256(b"world").hexdigest()


def test_a_damaged_cache_of_hashes_is_made_again(hashes, tmp_path):
    (tmp_path / "cache").mkdir(exist_ok=True)
    (tmp_path / "cache" / "hashes.json").write_text("{broken")
    (tmp_path / "a.safetensors").write_text("hello")
    assert FileHashes().of(tmp_path / "a.safetensors") == HELLO
