"""Canonical spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.prompt import canonical, escaped, parse
from tagkit.prompt.names import KAOMOJI


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Long_Hair", "long hair"),
        (r"ganyu_\(genshin_impact\)", "ganyu (genshin impact)"),
        ("  blue \n eyes ", "blue eyes"),
        ("^_^", "^_^"),
        ("O_O", "o_o"),
        (r"\(o\)_\(o\)", "(o)_(o)"),
        ("", ""),
    ],
)
def test_canonical(written, name):
    assert canonical(written) == name


@given(st.text(max_size=30))
def test_canonical_spelling_is_its_own(text):
    once = canonical(text)
    if "\\" not in once:
        assert canonical(once) == once


# Options, networks and backslashes have no escape in this dialect.
TYPEABLE = sorted(name for name in KAOMOJI if not set(name) & set("|<>\\"))


@pytest.mark.parametrize("name", [*TYPEABLE, "ganyu (genshin impact)", "a [b]", ":)", "long hair"])
def test_an_escaped_name_is_read_as_one_tag_of_that_name(name):
    assert [tag.name for tag in parse(f"1girl, {escaped(name)}, hat").tags] == [
        "1girl",
        name,
        "hat",
    ]
