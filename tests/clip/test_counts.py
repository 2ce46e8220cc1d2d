"""CLIP counts: exact for any text, and the table agrees with the tokenizer."""

from hypothesis import example, given
from hypothesis import strategies as st

import tagkit
from tagkit.clip import prompt_chunks, real_tokens
from tagkit.clip.chunks import CHUNK
from tagkit.clip.counts import ends_in_comma, listed_count, pre_tokens, text_count
from tagkit.clip.tokenizer import COMMA, load_tokenizer

PIECES = st.lists(
    st.sampled_from(
        ["1girl", "long hair", ", ", "cat ", "(", ")", ":1.2)", "[", "]", " BREAK ", "日本", "\n"]
        + ["<lora:x:0.8>", "don't", "x'll", "\\(", "2024", "!?", "é", "<|endoftext|>", "\x1c"]
    ),
    max_size=60,
).map("".join)


def engine_count(text):
    return len(load_tokenizer().encode(text, add_special_tokens=False).ids)


@given(PIECES | st.text(max_size=40))
def test_a_count_is_the_number_of_ids(text):
    assert text_count(text) == engine_count(text) == len(tagkit.encode(text))
    assert listed_count(text) == engine_count(text)


@given(PIECES)
def test_counting_and_cutting_agree(text):
    from tagkit.prompt import and_parts, schedule, without_comments, without_networks

    bare = without_networks(without_comments(text))
    parts = [part for part, _ in and_parts(bare)]
    texts = [shown for part in parts for _, shown in schedule(part, 150)]
    sizes = [[len(chunk.ids) for chunk in prompt_chunks(each)] for each in texts]
    assert list(tagkit.count_tokens(text).chunks) in sizes


@example([*["1girl"] * 17, *["o_o"] * 5, "^_^", "1girl"])
@given(
    st.lists(st.sampled_from("1girl|long hair|^_^|don't|o_o|a, b|a,b|cat ".split("|")), max_size=60)
)
def test_a_list_of_tags_is_counted_as_any_text(tags):
    text = ", ".join(tags)
    assert real_tokens(text) == tagkit.count_tokens(text).real == engine_count(text)
    sizes = tuple(len(chunk.ids) for chunk in prompt_chunks(text))
    assert tagkit.count_tokens(text).chunks == sizes


@example("^_^,")
@example(",,")
@given(st.text("^_-.:;,!()", min_size=1, max_size=4).map(lambda run: f"{run},"))
def test_a_comma_is_known_for_a_token_of_its_own(run):
    if [*pre_tokens(run)] == [run]:
        assert ends_in_comma(run) == (tagkit.encode(run)[-1] == COMMA)


@given(PIECES)
def test_no_chunk_is_too_long_and_no_token_is_lost(text):
    from tagkit.prompt import without_comments, without_networks
    from tagkit.prompt.attention import weighted_spans

    chunks = prompt_chunks(text)
    assert all(len(chunk.ids) == len(chunk.weights) <= CHUNK for chunk in chunks)
    spans = weighted_spans(without_networks(without_comments(text)), strict=False)
    said = [span for span, weight in spans if (span, weight) != ("BREAK", -1.0)]
    assert sum(len(chunk.ids) for chunk in chunks) == sum(map(engine_count, said))


def test_the_comma_rule_and_weights():
    text = "cat " * 70 + ", " + "(dog:1.2) " * 9
    first, second = prompt_chunks(text)
    assert (len(first.ids), len(second.ids)) == (71, 9)
    assert set(first.weights) == {1.0}
    assert set(second.weights) == {1.2}


def test_the_largest_variant_and_part_count():
    assert tagkit.count_tokens("[cat:cat cat cat:0.5]").total == 3
    assert tagkit.count_tokens("cat AND cat cat").total == 2
    assert tagkit.count_tokens("cat AND cat cat", negative=True).total == 4


def test_real_prompts(real_prompts):
    for text in real_prompts[::20]:
        assert text_count(text) == engine_count(text)
