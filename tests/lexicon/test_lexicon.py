import shutil

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagkit.data import data_folder
from tagkit.errors import UserError
from tagkit.lexicon import Entry, open_lexicon
from tagkit.lexicon.tables import compile_tables


@pytest.fixture(scope="module")
def lexicon():
    return open_lexicon(data_folder("rules"))


@pytest.fixture
def rules(tmp_path):
    """Make a rules folder with the real long lists, and the tables and aliases given."""

    def make(aliases="", **tables):
        for folder in ("tags", "tables"):
            (tmp_path / folder).mkdir()
        for group, text in tables.items():
            (tmp_path / "tags" / f"{group}.tsv").write_text(text, encoding="utf-8")
        (tmp_path / "tables" / "aliases.tsv").write_text(f"alias\tname\tkind\n{aliases}")
        shutil.copy(data_folder("rules") / "names.marisa", tmp_path)
        return tmp_path

    return make


def compiled(folder):
    (folder / "tags.marisa").write_bytes(compile_tables(folder))
    return open_lexicon(folder)


def refusal(folder):
    with pytest.raises(UserError) as caught:
        compiled(folder)
    return caught.value


@pytest.mark.parametrize(
    ("name", "category", "group"),
    [
        ("1girl", "general", "count"),
        ("blue hair", "general", "hair_color"),
        ("multicolored hair", "general", "hair_pattern"),
        ("heterochromia", "general", "eyes"),
        ("blue theme", "general", "color_theme"),
        ("cowboy shot", "general", "view"),
        ("halo", "general", "halo"),
        ("^_^", "general", "kaomoji"),
        ("masterpiece", "meta", "quality"),
        ("score_9", "meta", "quality"),
        ("score 9", "meta", "quality"),
        ("year 2024", "meta", "year"),
        ("highres", "meta", "meta"),
        ("hatsune miku", "character", ""),
        ("shiroko (blue archive)", "character", ""),
        ("blue archive", "copyright", ""),
        ("wlop", "artist", ""),
    ],
)
def test_finds_well_known_names(lexicon, name, category, group):
    assert lexicon.find(name) == Entry(name, category, group)


@pytest.mark.parametrize("name", ["", " ", "Blue Hair", "blue_hair", "hatsune_miku", "no such tag"])
def test_knows_nothing_of_other_spellings(lexicon, name):
    assert lexicon.find(name) is None


@given(name=st.text(st.characters()))
@example(name="\0")
@example(name="0\0\x80")
@example(name="\ud800")
def test_any_text_may_be_looked_up(lexicon, name):
    entry = lexicon.find(name)
    assert entry is None or (entry.name == name and entry.category)


def test_a_curated_name_wins_over_the_long_lists(rules):
    folder = rules(hair_color="tag\torigin\nhatsune miku\n")
    assert compiled(folder).find("hatsune miku") == Entry("hatsune miku", "general", "hair_color")


def test_a_models_word_is_a_name_like_others(rules):
    lexicon = compiled(rules(quality="tag\torigin\nbest\tmodel\n", view="tag\torigin\npov\n"))
    assert lexicon.find("best") == Entry("best", "meta", "quality")
    assert lexicon.groups() == ("quality", "view")


def test_groups_and_members_are_sorted_and_agree(lexicon):
    groups = lexicon.groups()
    assert list(groups) == sorted(groups)
    for group in groups:
        members = lexicon.members(group)
        assert list(members) == sorted(members)
        assert {lexicon.group(name) for name in members} == {group}
    assert lexicon.group("hatsune miku") == ""


@pytest.mark.parametrize(("group", "hint"), [("hair_colour", "hair_color"), ("zzz", "action")])
def test_an_unknown_group_is_an_error_that_helps(lexicon, group, hint):
    with pytest.raises(UserError, match=f"`{group}`") as caught:
        lexicon.members(group)
    assert hint in caught.value.hint


def test_entries_never_change(lexicon):
    with pytest.raises(AttributeError):
        lexicon.find("halo").group = "hat"
    assert msgspec.structs.asdict(lexicon.find("halo"))["group"] == "halo"


@pytest.mark.parametrize(
    ("table", "line", "what"),
    [
        ("", 1, "tag<TAB>origin"),
        ("halo\n", 1, "tag<TAB>origin"),
        ("tag\torigin\nhalo\n\nhat\n", 3, "name<TAB>model"),
        ("tag\torigin\nhalo\t\n", 2, "name<TAB>model"),
        ("tag\torigin\nhalo\tmine\n", 2, "name<TAB>model"),
        ("tag\torigin\nhalo\tmodel\tmodel\n", 2, "name<TAB>model"),
        ("tag\torigin\n\tmodel\n", 2, "name<TAB>model"),
        ("tag\torigin\nhat\nhalo\nhat\n", 4, "`hat` stands in odd.tsv already"),
    ],
)
def test_a_malformed_table_is_named_with_its_line(rules, table, line, what):
    error = refusal(rules(odd=table))
    assert what in error.what
    assert error.where.endswith(f"odd.tsv:{line}")


def test_a_name_in_two_groups_is_refused(rules):
    folder = rules(headwear="tag\torigin\nhalo\nhat\n", view="tag\torigin\nfrom above\nhat\n")
    error = refusal(folder)
    assert "`hat` stands in headwear.tsv already" in error.what
    assert error.where.endswith("view.tsv:3")


def test_missing_tables_are_an_error(rules):
    assert refusal(rules()).what == "no tag tables found"


def test_an_unreadable_table_is_an_error(rules):
    folder = rules(view="tag\torigin\n")
    (folder / "tags" / "view.tsv").write_bytes(b"tag\torigin\n\xe9\n")
    error = refusal(folder)
    assert error.what == "cannot read a tag table"
    assert "view.tsv" in error.where


@pytest.mark.parametrize("content", [None, b"", b"no trie at all"])
def test_a_bad_name_list_is_an_error(rules, content):
    folder = rules(view="tag\torigin\npov\n")
    (folder / "names.marisa").unlink()
    if content is not None:
        (folder / "names.marisa").write_bytes(content)
    error = refusal(folder)
    assert error.what == "cannot read a list of names"
    assert "names.marisa" in error.where


@pytest.mark.parametrize(
    ("aliases", "line", "what"),
    [
        ("helmets\that\n", 2, "<TAB>other"),
        ("hats\that\tplural\n", 2, "<TAB>other"),
        ("hats\that\tspelling\nhats\that\tother\n", 3, "`hats` is a name or an alias already"),
        ("hat\thalo\tspelling\n", 2, "`hat` is a name or an alias already"),
        ("bonnets\tbonnet\tspelling\n", 2, "`bonnet` is in no group"),
    ],
)
def test_a_malformed_row_of_aliases_is_named_with_its_line(rules, aliases, line, what):
    error = refusal(rules(aliases, headwear="tag\torigin\nhalo\nhat\n"))
    assert what in error.what
    assert error.where.endswith(f"aliases.tsv:{line}")
