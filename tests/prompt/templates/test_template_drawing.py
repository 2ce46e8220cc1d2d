"""Seeded drawing: chance, weights, turns."""

from collections import Counter
from random import Random

import pytest

from tagkit.prompt.templates import Wildcards, draw

NONE = Wildcards()
DRAWS = 4000


def drawn(text: str, wildcards: Wildcards = NONE) -> Counter[str]:
    random = Random(7)
    return Counter(draw(text, random, wildcards) for _ in range(DRAWS))


def chi_square(counts: Counter[str], shares: dict[str, float]) -> float:
    assert counts.keys() <= shares.keys()
    whole = sum(shares.values())
    expected = {name: DRAWS * share / whole for name, share in shares.items()}
    return sum((counts[name] - mean) ** 2 / mean for name, mean in expected.items())


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("{a|b|c}", {"a": 1, "b": 1, "c": 1}),
        ("{3::a|b|0.5::c}", {"a": 3, "b": 1, "c": 0.5}),
        ("{.5::a|2.::b|c}", {"a": 0.5, "b": 2, "c": 1}),
        ("{ 3 ::a|b}", {"a": 3, "b": 1}),
        ("{a|a|b}", {"a": 2, "b": 1}),
        ("{0::a|b|c}", {"b": 1, "c": 1}),
        ("{3::{a|b}|c}", {"a": 1.5, "b": 1.5, "c": 1}),
        ("{1-3$$a|a}", {"a": 1}),
        ("{0-1$$a|b}", {"": 2, "a": 1, "b": 1}),
        ("{2$$a|b|c}", {"a,b": 1, "a,c": 1, "b,a": 1, "b,c": 1, "c,a": 1, "c,b": 1}),
        ("{2$$2::a|b|c}", {"a,b": 6, "a,c": 6, "b,a": 4, "c,a": 4, "b,c": 2, "c,b": 2}),
    ],
)
def test_weights_are_respected(text, shares):
    # The 0.001 bound of the chi-square distribution with 5 degrees of freedom.
    assert chi_square(drawn(text), shares) < 20.5


def test_weights_of_wildcard_values(folder):
    root = folder({"a.yaml": "x: [3::red, {weight: 0.5, text: blue}, green, 0::never]"})
    counts = drawn("__x__", Wildcards([root]))
    assert chi_square(counts, {"red": 3, "blue": 0.5, "green": 1}) < 13.9


def test_the_same_seed_gives_the_same_prompt():
    text = "{a|b|c} {2$$d|e|f} ${x={g|h}}${x}"
    prompts = [draw(text, Random(seed), NONE) for seed in range(20)]
    assert prompts == [draw(text, Random(seed), NONE) for seed in range(20)]
    assert len(set(prompts)) > 5


def test_a_seed_keeps_its_prompt_in_later_versions():
    text = "{2::a|b|c} {1-2$$d|e|f} {g|{h|i}}"
    assert [draw(text, Random(seed), NONE) for seed in (1, 2, 3)] == ["c d,e h", "c d h", "b e g"]


def test_a_variable_is_drawn_at_each_use_or_once():
    assert len(drawn("${x={a|b}}${x}${x}")) == 4
    assert drawn("${x=!{a|b}}${x}${x}").keys() == {"aa", "bb"}


def test_turns_go_by_the_image():
    def turns(text: str, count: int) -> list[str]:
        return [draw(text, Random(1), NONE, index) for index in range(count)]

    assert turns("{@a|b|c}", 4) == ["a", "b", "c", "a"]
    assert turns("{@a|b} {@c|d}", 3) == ["a c", "b d", "a c"]
    assert sorted(turns("{@2$$a|b|c}", 6)) == ["a,b", "a,c", "b,a", "b,c", "c,a", "c,b"]
    assert sorted(turns("{@a|{b|c}}", 4)) == ["a", "a", "b", "c"]
    assert len(set(turns("{@{~a|b|c|d|e|f}|x}", 1))) == 1


def test_turns_of_a_wildcard(folder):
    wildcards = Wildcards([folder({"x.txt": "a\nb\nc"})])
    assert [draw("__@x__", Random(1), wildcards, index) for index in range(4)] == [*"abca"]
    assert draw("__~x__ __!x__", Random(1), wildcards)[::2].strip("abc") == ""
