"""The table of aliases as data, and the compiled list that it is a part of."""

import pytest

from tagkit.cards import image_cards
from tagkit.data import data_folder
from tagkit.lexicon import Alias, shipped_lexicon
from tagkit.lexicon.tables import compile_tables
from tagkit.prompt import canonical

LEXICON = shipped_lexicon()
TABLE = data_folder("rules") / "tables" / "aliases.tsv"
ROWS = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
ALIASES = {alias for alias, _, _ in ROWS}


def test_aliases_are_many_and_no_names_themselves():
    assert len(ROWS) > 1500
    assert [alias for alias in ALIASES if canonical(alias) != alias or LEXICON.find(alias)] == []


def test_spelling_variants_are_of_general_tags_only():
    wrong = [row for row in ROWS if row[2] == "spelling" and category(row[1]) != "general"]
    assert wrong == []


def category(name):
    return LEXICON.find(name).category


def test_no_card_asks_for_an_alias():
    for card in image_cards().values():
        advice = card.prompt
        words = (*advice.quality, *advice.rating, *advice.year)
        injected = [entry.inject for entry in advice.overfit]
        assert not ALIASES & {canonical(each) for each in (*words, *injected)}, card.name


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("1 girl", Alias("1girl", spelling=True)),
        ("twin tails", Alias("twintails", spelling=True)),
        ("gray hair", Alias("grey hair", spelling=True)),
        ("smiling", Alias("smile", spelling=False)),
        ("masterpeice", Alias("masterpiece", spelling=False)),
        ("1girl", None),
        ("no such tag", None),
        ("", None),
    ],
)
def test_aliases_are_found(name, alias):
    assert LEXICON.alias(name) == alias


def test_aliases_of_a_name_are_listed():
    assert {"twin tails", "twintail"} <= set(LEXICON.aliases_of("twintails"))
    assert LEXICON.aliases_of("hatsune miku") == ()


def test_the_compiled_list_holds_what_the_tables_say():
    """If not: python scripts/build_tags.py."""
    compiled = (data_folder("rules") / "tags.marisa").read_bytes()
    assert compiled == compile_tables(data_folder("rules"))
