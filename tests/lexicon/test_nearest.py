"""Nearest names: what counts as near, and which come first."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.lexicon import lexicon_for, shipped_lexicon
from tagkit.lexicon.nearest import distance

WORDS = st.text("abc ", max_size=7)


def plain_distance(one, other):
    """The definition of optimal string alignment, word for word."""

    @cache
    def slips(i, j):
        if not i or not j:
            return i + j
        ways = [slips(i - 1, j) + 1, slips(i, j - 1) + 1]
        ways.append(slips(i - 1, j - 1) + (one[i - 1] != other[j - 1]))
        if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
            ways.append(slips(i - 2, j - 2) + 1)
        return min(ways)

    return slips(len(one), len(other))


@given(WORDS, WORDS, st.integers(0, 3))
def test_the_distance_is_the_definitions_up_to_the_limit(one, other, limit):
    expected = plain_distance(one, other)
    found = distance(one, other, limit)
    assert found == expected if expected <= limit else found > limit


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("looking at veiwer", "looking at viewer"),
        ("sowrd", "sword"),
        ("wrost quality", "worst quality"),
        ("blnode hair", "blonde hair"),
        ("thighigh", "thighhighs"),
        ("school unifrm", "school uniform"),
        ("gray haair", "grey hair"),
    ],
)
def test_slips_of_the_pen_are_seen(name, first):
    assert shipped_lexicon().nearest(name)[0] == first


@pytest.mark.parametrize("name", ["", "x", "zz", "volumetric lighting", "\0", "日本語のタグ"])
def test_nothing_is_near_what_is_like_nothing(name):
    assert shipped_lexicon().nearest(name) == ()


def test_of_names_equally_near_the_one_with_more_posts_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("TAGKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tags.csv").write_text("qwertz a,0,5\nqwertz b,0,50\nqwertz cd,0,500\n")
    lexicon = lexicon_for(tmp_path / "tags.csv")
    assert lexicon.nearest("qwertz x") == ("qwertz b", "qwertz a", "qwertz cd")
