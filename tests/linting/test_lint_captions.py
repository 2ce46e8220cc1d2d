"""Captions are judged by the rules for them, and what a trainer keeps stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.cards import image_card
from tagkit.documents import parse_document
from tagkit.linting import Linter
from tagkit.packs import shipped_rules
from tagkit.prompt import CAPTIONS
from tagkit.prompt.captions import kept_spans

WORDS = ["suzu", "1girl", "smile", "long_hair", "masterpiece", "solo", "blue theme", "|||", ""]


def linted(caption, keep_tokens=0):
    (record,) = parse_document(caption, "a.txt", captions=True).records
    linter = Linter(image_card("baxl-v3"), shipped_rules(), CAPTIONS, keep_tokens=keep_tokens)
    return linter.lint(record)


def codes(caption):
    return {each.code for each in linted(caption).diagnostics}


def test_no_rule_of_prompts_looks_at_captions():
    long = ", ".join(f"{colour} hat" for colour in "abcdefghijklmnopqrstuvwxyz" * 4)
    text = f"1girl, 2boys, sketch, score_9, hoshino (blue archive), {{{{smile}}}}, {long}, a:3"
    assert {each[:3] for each in codes(text)} & {"NEG", "FIT", "LEN"} == set()
    assert codes(text) & {"SYN105", "SYN108", "TAG104"} == set()


@pytest.mark.parametrize(
    ("caption", "code"),
    [
        ("masterpiece, 1girl", "ORD101"),
        ("1girl, smile, 1girl", "DUP101"),
        ("1girl, long_hair", "TAG103"),
        ("1girl, thighhighs, white thighhighs", "DUP102"),
        ("1girl, 2girls", "CON101"),
        ("1girl, child, nude", "SAF101"),
    ],
)
def test_the_others_do(caption, code):
    assert code in codes(caption)


@pytest.mark.parametrize("text", ["1girl\nNegative prompt: hat", "1girl\nSteps: 20", "a --n b"])
def test_what_looks_like_a_record_is_text(text):
    for record in parse_document(text, "a.txt", captions=True).records:
        assert record.negative is None
        assert record.settings is None


def test_every_line_is_a_caption_but_with_split_file():
    text = "1girl, smile\n#compass, solo\n"
    lines = parse_document(text, "a.txt", captions=True).records
    assert [each.positive for each in lines] == ["1girl, smile", "#compass, solo"]
    (whole,) = parse_document(text, "a.txt", "file", captions=True).records
    assert whole.positive == text.strip()


def test_a_comment_can_allow_a_rule():
    caption = "# tagkit: allow ORD101\nmasterpiece, 1girl"
    assert linted(caption).diagnostics == ()


@pytest.mark.parametrize(
    ("caption", "keep_tokens", "fixed"),
    [
        ("suzu, masterpiece, 1girl", 0, "suzu, 1girl, masterpiece"),
        ("masterpiece, suzu, 1girl, long_hair", 1, "masterpiece, suzu, 1girl, long hair"),
        ("long_hair, smile, smile, 1girl", 1, "long_hair, 1girl, smile"),
        ("smile, suzu, 1girl, smile", 1, "smile, suzu, 1girl"),
        ("best quality, a ||| smile, 1girl", 0, "best quality, a ||| 1girl, smile"),
        ("a ||| smile, 1girl, smile ||| b, b", 0, "a ||| 1girl, smile ||| b, b"),
        ("a ||| a, 1girl", 0, "a ||| 1girl"),
    ],
)
def test_what_is_kept_neither_moves_nor_changes(caption, keep_tokens, fixed):
    assert linted(caption, keep_tokens).fixed.positive == fixed


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(", ".join), st.integers(0, 4))
def test_fixing_keeps_what_is_kept_and_is_done_at_once(caption, keep_tokens):
    if not caption.strip(" ,"):
        return
    caption = caption.strip()
    after = linted(caption, keep_tokens).fixed.positive
    kept = [caption[each.start : each.end] for each in kept_spans(caption, keep_tokens)]
    assert [after[each.start : each.end] for each in kept_spans(after, keep_tokens)] == kept
    assert linted(after, keep_tokens).fixed.positive == after
