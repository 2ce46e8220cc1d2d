from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.errors import UserError
from tagkit.infotext.hashes import (
    embedding_hash,
    lora_hash,
    model_hash,
    old_model_hash,
    sha256,
    tensors_hash,
)

TENSORS = bytes(range(256)) * 3


def safetensors(path, metadata, tensors=TENSORS):
    header = json.dumps({"__metadata__": metadata, "w": {"dtype": "U8"}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + tensors)
    return path


def test_of_whole_files(tmp_path):
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"weights" * 1_000_000)
    digest = hashlib.sha256(b"weights" * 1_000_000).hexdigest()
    assert sha256(path) == digest
    assert model_hash(path) == digest[:10]
    assert embedding_hash(path) == digest[:12]
    assert embedding_hash(path).startswith(model_hash(path))


def test_autov1_is_of_64_kib_at_1_mib(tmp_path):
    path = tmp_path / "model.ckpt"
    middle = bytes(range(256)) * 256
    path.write_bytes(bytes(0x100000) + middle + b"anything")
    assert old_model_hash(path) == hashlib.sha256(middle).hexdigest()[:8]


def test_a_short_file_has_an_autov1_too(tmp_path):
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"short")
    assert old_model_hash(path) == "e3b0c442"


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=9)))
def test_the_tensors_hash_is_blind_to_the_description(tmp_path_factory, metadata):
    path = safetensors(tmp_path_factory.mktemp("h") / "a.safetensors", metadata)
    assert tensors_hash(path) == hashlib.sha256(TENSORS).hexdigest()[:12]
    assert sha256(path) != hashlib.sha256(TENSORS).hexdigest()


def test_a_lora_is_named_by_what_the_trainer_wrote(tmp_path):
    path = safetensors(tmp_path / "a.safetensors", {"sshs_model_hash": "ab12" * 16})
    assert lora_hash(path) == "ab12ab12ab12"


def test_or_by_its_tensors(tmp_path):
    path = safetensors(tmp_path / "a.SafeTensors", {})
    assert lora_hash(path) == tensors_hash(path)


def test_or_by_the_file(tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(b"pickle")
    assert lora_hash(path) == hashlib.sha256(b"pickle").hexdigest()[:12]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\xff" * 20,
        (10).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"no",
        (99_999_999).to_bytes(8, "little") + b"{}",
    ],
)
@pytest.mark.parametrize("hash_of", [lora_hash, tensors_hash])
def test_no_safetensors_file(tmp_path, hash_of, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.safetensors` is no safetensors file"):
        hash_of(path)


@pytest.mark.parametrize("header", [b'{"a"', b'{"__metadata__": 3}', b"{" * 200_000])
def test_a_header_that_cannot_be_read(tmp_path, header):
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(UserError, match="no safetensors file"):
        lora_hash(path)


@pytest.mark.parametrize("hash_of", [sha256, model_hash, lora_hash, old_model_hash, tensors_hash])
def test_a_missing_file(tmp_path, hash_of):
    with pytest.raises(UserError, match="cannot read"):
        hash_of(tmp_path / "missing.safetensors")
