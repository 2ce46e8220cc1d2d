"""Prompt files as users have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.documents import decode_document, parse_document, parse_record, read_document
from tagkit.errors import UserError


def positives(text, split="lines"):
    return [record.positive for record in parse_document(text, "p.txt", split).records]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a, b\nc\n", ["a, b", "c"]),
        ("# mine\r\na\r\n\r\n---\r\nb", ["a", "b"]),
        ("a\nBREAK b\n<lora:x:1>\nc", ["a\nBREAK b\n<lora:x:1>", "c"]),
        ("  a  \n\n\n", ["a"]),
        ("", []),
        ("a,\nb\nNegative prompt: x\nSteps: 20, Seed: 1", ["a,\nb"]),
        ("a\nSteps: 20", ["a"]),
    ],
)
def test_lines_and_records(text, expected):
    assert positives(text) == expected


def test_splits():
    assert positives("a\nb\n\nc", "blocks") == ["a\nb", "c"]
    assert positives("a\nb\n\nc", "file") == ["a\nb\n\nc"]


def test_a_record_knows_where_its_texts_stand():
    text = "\na,\nb\nNegative prompt: x,\n  y\nSteps: 20, Seed: 1\n\nc"
    record, other = parse_document(text, "p.txt").records
    for part, span in (
        (record.positive, record.positive_span),
        (record.negative, record.negative_span),
        (record.settings, record.settings_span),
    ):
        assert text[span.start : span.end] == part
    assert (record.positive, record.negative) == ("a,\nb", "x,\n  y")
    assert (record.line, other.line) == (2, 8)


@given(st.text(alphabet="a,# \n\r-BREAK<:>Stepsgativ0", max_size=60))
def test_every_record_lies_in_the_text(text):
    for record in parse_document(text, "p.txt").records:
        span = record.positive_span
        assert text[span.start : span.end] == record.positive


@given(st.text(alphabet="a, \n", max_size=20))
def test_a_text_without_record_lines_is_one_prompt(text):
    assert parse_record(text).positive == text


def test_the_byte_order_mark_comes_back():
    document = decode_document("\ufeffa\r\n".encode(), "p.txt")
    assert document.text == "a\r\n"
    assert document.encoded("b\r\n") == "\ufeffb\r\n".encode()


@pytest.mark.parametrize("content", [b"caf\xe9", b"a\0b", b"", b"# only a comment\n"])
def test_what_is_no_prompt_file_is_named(tmp_path, content):
    path = tmp_path / "odd.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"odd\.txt"):
        read_document(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"missing\.txt"):
        read_document(tmp_path / "missing.txt")


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("a\n# tagkit: allow DUP101, ord101\nb\nc", [set(), {"DUP101", "ORD101"}, set()]),
        ("# tagkit: allow DUP101\n\na\nb", [{"DUP101"}, {"DUP101"}]),
        ("a\n\n# tagkit: allow FIT104\nb\nSteps: 20", [set(), {"FIT104"}]),
        ("# mine\na", [set()]),
    ],
)
def test_comments_allow_rules(text, allowed):
    records = parse_document(text, "p.txt").records
    assert [set(record.allowed) for record in records] == allowed


def test_suppressions_know_their_place():
    text = "a\r\n  # tagkit: allow DUP101, ord101 \r\nb\r\n"
    (found,) = parse_document(text, "p.txt").records[1].suppressions
    assert found.codes == ("DUP101", "ORD101")
    assert text[found.span.start : found.span.end] == "DUP101, ord101"
    assert text[found.line.start : found.line.end] == "  # tagkit: allow DUP101, ord101 \r\n"


def test_a_comment_at_the_head_stands_for_the_first_prompt_once():
    first, second = parse_document("# tagkit: allow DUP101\na\nb", "p.txt").records
    assert len(first.suppressions) == 1
    assert first.suppressions == second.suppressions


def test_a_prompt_without_end_is_named():
    with pytest.raises(UserError, match=r"1,000,000 characters") as caught:
        decode_document(b"1girl\n" + b"a" * 1_000_000, "p.txt")
    assert caught.value.where == "p.txt:2"
