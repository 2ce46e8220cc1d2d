"""Prompt editing and alternation; A1111's own examples are part of the conformance tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit import schedule

PIECES = ["[", "]", "(", ")", ":", "|", "a", "b c", "0.5", "3", "\\", "\\[", " "]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", [(10, "a")]),
        ("[a:b:3] c", [(3, "a c"), (10, "b c")]),
        ("[b:3]", [(3, ""), (10, "b")]),
        ("[a::0.5]", [(5, "a"), (10, "")]),
        ("[a:b:1.0]", [(10, "a")]),
        ("[a:[b:c:7]:3]", [(3, "a"), (7, "b"), (10, "c")]),
        ("[(a:1.2):b:3]", [(3, "(a:1.2)"), (10, "b")]),
        ("[a", [(10, "[a")]),
        ("[a] (b", [(10, "[a] (b")]),
        ("[x (y:b:3]", [(10, "[x (y:b:3]")]),
        ("a | [b:c:3]", [(10, "a | [b:c:3]")]),
        ("[b:c:3] \\", [(10, "[b:c:3] \\")]),
    ],
)
def test_what_is_drawn_when(text, expected):
    assert schedule(text, 10) == expected


def test_alternation_goes_round():
    assert [text for _, text in schedule("[a|b|]c", 4)] == ["ac", "bc", "c", "ac"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a [b:.5] c", [(10, "a b c")]),
        ("a [b:1.5] c", [(5, "a  c"), (10, "a b c")]),
        ("[a:b:25]", [(5, "a"), (10, "b")]),
        ("[a:b:2.0]", [(10, "a")]),
    ],
)
def test_the_hires_pass_goes_on_counting(text, expected):
    assert schedule(text, 10, first_pass=20) == expected


@given(st.lists(st.sampled_from(PIECES), max_size=15).map("".join), st.integers(1, 30))
def test_every_step_is_covered_once_and_in_order(text, steps):
    ends = [end for end, _ in schedule(text, steps)]
    assert ends == sorted(set(ends))
    assert ends[-1] == steps
