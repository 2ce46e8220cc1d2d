"""Weights as A1111 reads them; the long table of vectors is part of the conformance tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit import UserError, weighted_text

PIECES = ["(", ")", "[", "]", ":", "a", "b ", " BREAK ", "1.2", ":1.3)", "\\", ",", "AND"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("", 1.0)]),
        ("a (b:1.3)", [("a ", 1.0), ("b", 1.3)]),
        ("((a))", [("a", 1.21)]),
        ("[a]", [("a", 1 / 1.1)]),
        ("(a [b]:1.5)", [("a ", 1.5), ("b", 1.5 / 1.1)]),
        ("(a", [("a", 1.1)]),
        ("a)", [("a)", 1.0)]),
        (r"a \(b\)", [("a (b)", 1.0)]),
        ("(a (b:1.3):0.5)", [("a ", 0.5), ("b", 0.65)]),
        ("a BREAK b", [("a", 1.0), ("BREAK", -1.0), ("b", 1.0)]),
        ("(a [b) c]", [("a ", 1.1), ("b", 1.0), (" c", 1 / 1.1)]),
    ],
)
def test_weights(text, expected):
    got = weighted_text(text)
    assert [each for each, _ in got] == [each for each, _ in expected]
    assert [weight for _, weight in got] == pytest.approx([weight for _, weight in expected])


def test_a_weight_that_is_no_number_is_named_with_its_place():
    with pytest.raises(UserError) as caught:
        weighted_text("1girl,\n(smile:1.2.3)")
    assert "1.2.3" in caught.value.what
    assert caught.value.where == "line 2, column 8"


def test_an_unknown_dialect_is_an_error():
    with pytest.raises(UserError, match="klingon"):
        weighted_text("1girl", dialect="klingon")


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_it_multiplies_as_the_plain_algorithm_does(text):
    """The reference multiplies a range at every closing bracket, as A1111's own loop does."""
    try:
        got = weighted_text(text)
    except UserError:
        return
    letters = [(letter, weight) for part, weight in got for letter in part]
    expected = [(letter, weight) for part, weight in plain_weights(text) for letter in part]
    assert [letter for letter, _ in letters] == [letter for letter, _ in expected]
    assert [weight for _, weight in letters] == pytest.approx([weight for _, weight in expected])


def plain_weights(text):
    from tagkit.prompt.attention import _TOKEN, _literal

    found, stacks = [], {"(": [], "[": []}

    def close(bracket, factor):
        for index in range(stacks[bracket].pop(), len(found)):
            found[index] = (found[index][0], found[index][1] * factor)

    for match in _TOKEN.finditer(text):
        token, number = match[0], match[1]
        if token in stacks:
            stacks[token].append(len(found))
        elif (number is not None or token == ")") and stacks["("]:
            close("(", 1.1 if number is None else float(number))
        elif token == "]" and stacks["["]:
            close("[", 1 / 1.1)
        else:
            found += _literal(token)
    for bracket, factor in (("(", 1.1), ("[", 1 / 1.1)):
        while stacks[bracket]:
            close(bracket, factor)
    return found
