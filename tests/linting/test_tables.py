"""The tables that rules name: sorted, known names, no circles."""

from __future__ import annotations

import pytest

from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.linting import shipped_lexicon, tables

FOLDER = data_folder("rules") / "tables"
LEXICON = shipped_lexicon()


def rows(path):
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert "\r" not in text
    return [tuple(line.split("\t")) for line in text.splitlines()[1:]]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.tsv")), ids=lambda path: path.stem)
def test_tables_are_sorted_and_say_nothing_twice(path):
    assert rows(path) == sorted(set(rows(path)))


def test_both_names_of_an_implication_are_known_general_tags():
    names = {name for row in rows(FOLDER / "implications.tsv") for name in row}
    assert [name for name in names if LEXICON.find(name) is None] == []
    assert {LEXICON.find(name).category for name in names} == {"general"}


def test_counts_and_series_are_never_implied():
    parents = {parent for _, parent in rows(FOLDER / "implications.tsv")}
    forbidden = {"count", "rating", "quality", "year", "sexual"}
    assert not forbidden & {LEXICON.group(parent) for parent in parents}


def test_implications_have_no_circles_and_no_shortcuts():
    """A parent of a parent is not written down again."""
    pairs = rows(FOLDER / "implications.tsv")
    said_by = tables.implications("tables/implications.tsv")
    for child, parent in pairs:
        others = {other for each, other in pairs if each == child and other != parent}
        assert not any(parent in said_by.get(other, ()) for other in others), (child, parent)


def test_implications_are_many_and_reach_through():
    said_by = tables.implications("tables/implications.tsv")
    assert len(said_by) > 1000
    assert said_by["absurdly long hair"] == {"very long hair", "long hair"}


@pytest.fixture
def table(tmp_path, monkeypatch):
    def write(text):
        monkeypatch.setattr(tables, "data_folder", lambda _: tmp_path)
        (tmp_path / "table.tsv").write_text(text, encoding="utf-8")
        return "table.tsv"

    return write


def test_a_circle_is_named(table):
    with pytest.raises(UserError, match="implies itself"):
        tables.implications(table("child\tparent\na\tb\nb\ta\n"))


def test_a_broken_row_is_named(table):
    with pytest.raises(UserError, match="columns") as caught:
        tables.words(table("words\na\nb\tc\n"))
    assert "table.tsv:3" in str(caught.value)


def test_a_missing_table_is_named(table):
    table("")
    with pytest.raises(UserError, match="cannot read"):
        tables.words("other.tsv")
