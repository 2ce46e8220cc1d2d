from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.cards import Ban
from tagkit.errors import UserError
from tagkit.expansion.bans import any_ban, any_of, pattern_test
from tagkit.linting import shipped_lexicon

LEXICON = shipped_lexicon()


@pytest.mark.parametrize(
    ("pattern", "hit", "missed"),
    [
        ("hat", "hat", "red hat"),
        ("red_hat", "red hat", "hat"),
        ("Red Hat", "red hat", "hat"),
        ("shiroko (blue archive)", "shiroko (blue archive)", "shiroko"),
        (r"shiroko \(blue archive\)", "shiroko (blue archive)", "shiroko"),
        (":d", ":d", "d"),
        ("^_^", "^_^", "x"),
        (".*hat", "red hat", "hat rack"),
        ("(red|blue) hat", "blue hat", "green hat"),
        ("HAT|CAP.*", "cap on head", "red hat"),
    ],
)
def test_literal_or_whole_expression(pattern: str, hit: str, missed: str) -> None:
    test = pattern_test(pattern, LEXICON)
    assert test(hit)
    assert not test(missed)


@pytest.mark.parametrize("pattern", ["*hat", "(", "[a", "a{2,1}", "(?P<x>"])
def test_an_invalid_pattern_is_named(pattern: str) -> None:
    with pytest.raises(UserError) as error:
        any_of(["smile", pattern], LEXICON)
    assert pattern in error.value.what


def test_a_pattern_without_end_is_stopped() -> None:
    with pytest.raises(UserError, match="does not come to an end"):
        pattern_test("(a|aa)+(a|aa)+(a|aa)+$b", LEXICON)("a" * 64)


def test_exceptions_of_a_card() -> None:
    banned = any_ban([Ban(".*boy.*", ("cowboy shot",))], LEXICON)
    assert banned("1boy")
    assert not banned("cowboy shot")


@given(st.text(alphabet="abcXYZ019 _-", min_size=1).filter(str.strip))
def test_plain_words_mean_themselves(word: str) -> None:
    from tagkit.prompt import canonical

    test = pattern_test(word, LEXICON)
    assert test(canonical(word))
    assert not test(canonical(word) + "x")
