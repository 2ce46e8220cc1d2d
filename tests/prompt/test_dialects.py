"""Other dialects' weights, conversion, detection; further vectors are in the conformance tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit import UserError, convert, weighted_text
from tagkit.prompt import DIALECTS
from tagkit.prompt.detection import detect_dialect

WORDS = st.sampled_from(
    ["1girl", "blue hair", "smile", "a_b", "hat", "x-ray", "shiroko (blue archive)"]
)
COMFY = st.lists(
    st.sampled_from([*"(():", "a", "b ", "1.2", ":1.3)", "\\", ",", "\\(", "\\)"]), max_size=14
)


def letters(spans):
    return [(letter, round(weight, 6)) for text, weight in spans for letter in text]


@given(COMFY.map("".join))
def test_comfyui_reads_as_its_own_loop_does(text):
    protected = text.replace("\\)", "\0]").replace("\\(", "\0[")
    expected = [
        (part.replace("\0]", ")").replace("\0[", "("), weight)
        for part, weight in plain_comfyui(protected, 1.0)
    ]
    assert letters(weighted_text(text, "comfyui")) == letters(expected or [("", 1.0)])


def plain_comfyui(text, weight):
    """Letter by letter, as ComfyUI's parse_parentheses and token_weights go."""
    pieces, piece, level = [], "", 0
    for letter in text:
        if letter == "(":
            if level == 0 and piece:
                pieces.append(piece)
            piece = "(" if level == 0 else piece + letter
            level += 1
        elif letter == ")":
            level -= 1
            piece += letter
            if level == 0:
                pieces.append(piece)
                piece = ""
        else:
            piece += letter
    found = []
    for each in [*pieces, *([piece] if piece else [])]:
        if len(each) < 2 or each[0] != "(" or each[-1] != ")":
            found.append((each, weight))
            continue
        inner, inner_weight = each[1:-1], weight * 1.1
        colon = inner.rfind(":")
        if colon > 0:
            try:
                inner_weight = float(inner[colon + 1 :])
                inner = inner[:colon]
            except ValueError:
                pass
        found += plain_comfyui(inner, inner_weight)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a}, b", [("a", 1.05), (", b", 1.0)]),
        ("1.2::a, {b}::, c", [("a, ", 1.2), ("b", 1.26), (", c", 1.0)]),
        ("2::a, 0.5::b", [("a, ", 2.0), ("b", 0.5)]),
        ("::a::", [("a", 1.0)]),
        ("{a", [("{a", 1.0)]),
        ("v1.2::a", [("v1.2a", 1.0)]),
        ("", [("", 1.0)]),
    ],
)
def test_novelai(text, expected):
    got = weighted_text(text, "novelai")
    assert [part for part, _ in got] == [part for part, _ in expected]
    assert [weight for _, weight in got] == pytest.approx([weight for _, weight in expected])


@pytest.mark.parametrize(
    ("text", "from_", "to", "expected"),
    [
        ("1girl, (smile:1.2)", "a1111", "comfyui", "1girl, (smile:1.2)"),
        ("(a (b:1.3):0.5), c", "a1111", "comfyui", "(a:0.5) (b:0.65), c"),
        ("(a (b:1.3):0.5), c", "comfyui", "a1111", "(a:0.5) (b:1.3), c"),
        ("[hat]", "comfyui", "a1111", r"\[hat\]"),
        (r"(shiroko \(blue archive\):1.2)", "a1111", "novelai", "1.2::shiroko (blue archive)::"),
        ("{{a}}, (b), [c]", "novelai", "a1111", r"(a:1.1025), \(b\), (c:0.952381)"),
        ("{{{a}}}", "novelai", "a1111", "(a:1.157625)"),
        ("a++, (b c)1.3", "compel", "a1111", "(a:1.21), (b c:1.3)"),
        (r"(a:0.9), b \(c\)", "a1111", "compel", r"(a)0.9, b \(c\)"),
        ("x-, y", "a1111", "compel", r"x\-, y"),
    ],
)
def test_convert(text, from_, to, expected):
    assert convert(text, from_, to) == expected


@pytest.mark.parametrize(
    ("text", "from_", "to", "named"),
    [
        ("[a:b:0.5]", "a1111", "comfyui", "[a:b:0.5]"),
        ("a, [b|c]", "a1111", "novelai", "line 1, column 4"),
        ("<lora:x:1>", "a1111", "compel", "<lora:x:1>"),
        ("a BREAK b", "a1111", "comfyui", "BREAK"),
        ("a BREAK b", "comfyui", "a1111", "BREAK"),
        ("1.2::a::", "a1111", "novelai", "cannot be written"),
        ("(a", "a1111", "comfyui", "`(`"),
        ("a", "a1111", "klingon", "klingon"),
    ],
)
def test_what_has_no_equal_is_named(text, from_, to, named):
    with pytest.raises(UserError) as caught:
        convert(text, from_, to)
    assert named in str(caught.value)


@given(
    st.lists(
        st.tuples(WORDS, st.sampled_from([1.0, 1.2, 0.75, 1.1, -0.5])), min_size=1, max_size=6
    ),
    st.sampled_from(DIALECTS),
    st.sampled_from(DIALECTS),
)
def test_there_and_back(tags, one, other):
    """Words keep their weights through any two dialects."""
    escaped = [(word.replace("(", "\\(").replace(")", "\\)"), weight) for word, weight in tags]
    start = ", ".join(word if weight == 1 else f"({word}:{weight})" for word, weight in escaped)
    there = convert(convert(start, "a1111", one), one, other)
    back = convert(there, other, "a1111")
    assert bare(weighted_text(back)) == bare(weighted_text(start))


def bare(spans):
    return [pair for pair in letters(spans) if not pair[0].isspace()]


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("1girl, smile", "a1111"),
        ("1girl, (smile:1.2), <lora:x:1>", "a1111"),
        ("1.2::smile::, 1girl", "novelai"),
        ("{{smile}}, 1girl", "novelai"),
        ("{{a|b}}, {2$$a|b}", "a1111"),
        ("smile++, 1girl", "compel"),
        ("(blue hair)1.3, 1girl", "compel"),
        ("embedding:bad, 1girl", "comfyui"),
        ("c++ programmer, (smile:1.2), (hat:1.1)", "a1111"),
        ("", "a1111"),
    ],
)
def test_detection(text, dialect):
    assert detect_dialect(text).dialect == dialect
