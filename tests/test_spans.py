"""Lines and columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.spans import LINE_END, LineMap, Span, line_starts


@pytest.mark.parametrize(
    ("text", "offset", "line", "column"),
    [
        ("ab\ncd", 3, 2, 1),
        ("ab\r\ncd", 5, 2, 2),
        ("ab\rcd", 3, 2, 1),
        ("", 0, 1, 1),
        ("a\n", 2, 2, 1),
    ],
)
def test_positions(text, offset, line, column):
    position = LineMap(text).position(offset)
    assert (position.line, position.column, position.offset) == (line, column, offset)


@given(st.text(alphabet="ab\r\n", max_size=30), st.data())
def test_a_column_counts_from_the_start_of_its_line(text, data):
    offset = data.draw(st.integers(0, len(text)))
    position = LineMap(text).position(offset)
    start = offset - position.column + 1
    assert start == 0 or text[start - 1] in "\r\n"


@given(st.text(alphabet="ab\r\n\x0c\u2028", max_size=30))
def test_lines_begin_behind_line_ends(text):
    assert line_starts(text) == [0, *(end.end() for end in LINE_END.finditer(text))]


def test_shifting():
    assert Span(1, 3).shifted(4) == Span(5, 7)
