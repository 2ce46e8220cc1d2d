"""Ids equal those of transformers' CLIPTokenizer."""

import gzip

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import tagkit
from tagkit.clip.tokenizer import MERGES, _vocabulary
from tagkit.data import data_folder


@pytest.fixture(scope="module")
def reference():
    transformers = pytest.importorskip("transformers")
    packed = (data_folder("models") / "clip" / MERGES).read_bytes()
    merges = [tuple(line.split()) for line in gzip.decompress(packed).decode().split("\n")]
    return transformers.CLIPTokenizer(vocab=_vocabulary(merges), merges=merges)


@hypothesis_settings(max_examples=300)
@given(text=st.text(max_size=80))
def test_any_text(reference, text):
    assert tagkit.encode(text) == reference(text, add_special_tokens=False)["input_ids"]


def test_known_ids():
    assert tagkit.encode("masterpiece, best quality, 1girl") == [
        12066, 267, 949, 3027, 267, 272, 1611,
    ]  # fmt: skip
