"""Captions as a grammar of their own: tags, commas, and what a trainer keeps in place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.clip import count_tokens, encode
from tagkit.prompt import CAPTIONS, DIALECTS, parse
from tagkit.prompt.captions import caption_tags, kept_spans

CAPTION_TEXTS = st.text(st.sampled_from('ab_ ,|()[]{}\\:#"<>1\n'), max_size=40)


def names(text):
    return [tag.name for tag in parse(text, CAPTIONS).tags]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1girl, hoshino (blue archive), solo", ["1girl", "hoshino (blue archive)", "solo"]),
        (r"hoshino \(blue archive\), :)", ["hoshino (blue archive)", ":)"]),
        ('"a, b", BREAK, {c|d}', ['"a', 'b"', "break", "{c|d}"]),
        ("#compass, a AND b, (c:1.2)", ["#compass", "a and b", "(c:1.2)"]),
        ("suzu ||| 1girl, smile ||| best quality", ["suzu", "1girl", "smile", "best quality"]),
    ],
)
def test_brackets_and_keywords_are_letters(text, expected):
    assert names(text) == expected


def test_it_is_no_dialect_of_prompts():
    assert CAPTIONS not in DIALECTS


@given(CAPTION_TEXTS)
def test_the_tree_is_lossless_and_its_tags_are_those_of_a_trainer(text):
    assert str(parse(text, CAPTIONS)) == text
    one_line = text.replace("\n", " ")
    assert list(dict.fromkeys(names(one_line))) == caption_tags(one_line)


@pytest.mark.parametrize(
    ("text", "keep_tokens", "kept"),
    [
        ("suzu, 1girl, smile", 0, []),
        ("suzu, 1girl, smile", 2, ["suzu, 1girl"]),
        ("suzu, 1girl", 9, ["suzu, 1girl"]),
        ("suzu ||| 1girl, smile", 0, ["suzu |||"]),
        ("suzu ||| 1girl, smile", 2, ["suzu |||"]),
        ("suzu ||| 1girl ||| best quality", 0, ["suzu |||", "||| best quality"]),
        ("", 3, []),
    ],
)
def test_what_a_trainer_keeps_in_place(text, keep_tokens, kept):
    assert [text[each.start : each.end] for each in kept_spans(text, keep_tokens)] == kept


def test_every_sign_of_a_caption_is_counted():
    text = "(smile:1.2), <lora:x:1> # no comment"
    assert count_tokens(text, CAPTIONS).real == len(encode(text))
