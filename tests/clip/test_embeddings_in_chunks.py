"""Textual inversions in chunks, against a calculation of this file's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tagkit.clip import CHUNK, count_tokens, encode, prompt_chunks

NAMES = (("neg", 3), ("neg xl", 10), ("big", 60))
WORDS = st.lists(st.sampled_from(["cat", "blue hair", "neg", "neg xl", "big", "sky"]), max_size=60)


def expected(words):
    """One item after the other; a comma behind each. None stands for a vector."""
    items = []
    for word in words:
        vectors = dict(NAMES).get(word)
        items.append([None] * vectors if vectors else [[each] for each in encode(word)])
        items.append([encode(",")])
    chunks, chunk, comma = [], [], None
    for item in items:
        parts = [item] if item and item[0] is None else item
        for part in parts:
            if part == encode(","):
                comma = len(chunk)
            elif len(chunk) == CHUNK and comma is not None and CHUNK - comma <= 20:
                chunks.append(chunk[: comma + 1])
                chunk, comma = chunk[comma + 1 :], None
            if len(chunk) == CHUNK or len(chunk) + len(part) > CHUNK:
                chunks.append(chunk)
                chunk, comma = [], None
            chunk = [*chunk, *part]
    return [*chunks, chunk] if chunk or not chunks else chunks


@given(WORDS)
def test_an_embedding_is_never_torn_apart(words):
    text = "".join(f"{word}, " for word in words)
    found = prompt_chunks(text, NAMES)
    assert [len(each.ids) for each in found] == [len(each) for each in expected(words)]
    for chunk in found:
        for place, name in chunk.inserted:
            vectors = dict(NAMES)[name]
            assert chunk.ids[place : place + vectors] == (0,) * vectors
    named = [name for chunk in found for _, name in chunk.inserted]
    assert named == [word for word in words if word in dict(NAMES)]
    count = count_tokens(text, embeddings=NAMES)
    assert count.chunks == tuple(len(each.ids) for each in found)


def test_the_longest_name_is_read_and_weights_stay():
    [chunk] = prompt_chunks("a, (neg xl:1.5), neg", NAMES)
    assert [name for _, name in chunk.inserted] == ["neg xl", "neg"]
    assert chunk.weights[2:12] == (1.5,) * 10
    assert chunk.weights[12:] == (1.0,) * 4


def test_without_embeddings_a_name_is_words():
    assert not prompt_chunks("neg xl")[0].inserted
    assert count_tokens("neg xl").real == len(encode("neg xl"))
    assert count_tokens("1girl, neg xl", embeddings=NAMES).real == len(encode("1girl,")) + 10
