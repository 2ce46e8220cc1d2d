"""Tag lists of users: what is read, what is refused, what wins."""

import pytest

from tagkit.errors import UserError
from tagkit.lexicon import Alias, Entry, lexicon_for
from tagkit.lexicon.names import Names
from tagkit.lexicon.own import own_list

LIST = """\
1girl,0,6000000,"1girls,sole_female"
hatsune_miku,4,100000,"miku_hatsune,初音ミク"
thighhighs,0,900000,thigh_high_socks
some_new_thing,0,120,"newthing,some_thing_new"
some_painter,1,1500,"blue,that_painter"
highres,5,5000000,
^_^,0,20000,
shiroko_(blue_archive),4,9000,
"""


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Compile a list, as `lexicon` of a tagkit.yaml names it."""
    monkeypatch.setenv("TAGKIT_CACHE", str(tmp_path / "cache"))

    def make(text, name="tags.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return lexicon_for(path)

    return make


@pytest.mark.parametrize(
    "text",
    [
        LIST,
        "name,category,count,aliases\n" + LIST,
        "\ufeff" + LIST,
        LIST.replace("\n", "\r\n"),
        LIST + "\n\n",
    ],
)
def test_a_list_is_read_in_all_its_forms(imported, text):
    lexicon = imported(text)
    assert lexicon.find("some new thing") == Entry("some new thing", "general", "", 120)
    assert lexicon.find("1girl") == Entry("1girl", "general", "count", 6_000_000)
    assert lexicon.find("shiroko (blue archive)").posts == 9000
    assert lexicon.find("^_^") == Entry("^_^", "general", "kaomoji", 20000)
    assert lexicon.alias("miku hatsune") == Alias("hatsune miku", spelling=False)
    assert lexicon.find("miku hatsune") is None
    assert lexicon.own.note("names") == "8"
    assert lexicon.own.note("source") == "tags.csv"


def test_count_and_aliases_may_be_missing(imported):
    lexicon = imported("brand new tag,0\nanother brand new tag,4,\n")
    assert lexicon.find("brand new tag") == Entry("brand new tag", "general", "")
    assert lexicon.find("another brand new tag").category == "character"


def test_the_list_wins_over_the_long_lists_and_curated_names_over_the_list(imported):
    lexicon = imported("hatsune miku,3,5\nlong hair,4,7\n")
    assert lexicon.find("hatsune miku").category == "copyright"
    assert lexicon.find("long hair") == Entry("long hair", "general", "hair_length", 7)


def test_a_name_of_the_list_is_no_alias(imported):
    lexicon = imported("twin tails,0,5\nthighhighs,0,9,long hair\n")
    assert lexicon.alias("twin tails") is None
    assert lexicon.alias("long hair") is None
    assert lexicon.alias("gray hair") == Alias("grey hair", spelling=True)


def test_no_alias_leads_to_another_category(imported):
    lexicon = imported(LIST + 'blue archive game,3,10,"hatsune miku (vocaloid), wlop"\n')
    assert lexicon.alias("wlop") is None  # an artist in the long lists
    assert lexicon.alias("blue") is None  # an ordinary word
    assert lexicon.alias("that painter") == Alias("some painter", spelling=False)
    assert lexicon.alias("newthing") == Alias("some new thing", spelling=False)


def test_an_alias_of_two_names_is_none(imported):
    assert imported("aa bb,0,5,both\ncc dd,0,4,both\n").alias("both") is None


def test_of_two_rows_of_a_name_the_one_with_more_posts_counts(imported):
    assert imported("two rows,4,5\ntwo_rows,0,50\n").find("two rows").category == "general"


def test_categories_of_e621(imported):
    lexicon = imported("domestic cat,5,9\nsome artwork,7,5\na lore tag,8,5\nnonsense tag,6,1\n")
    assert lexicon.find("domestic cat").category == "general"
    assert lexicon.find("some artwork").category == "meta"
    assert lexicon.find("nonsense tag") is None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a,0,5\nb\n", ["tags.csv:2"]),
        ("a,0,5\nb,9,5\nc,x,5\n", ["tags.csv:2", "tags.csv:3"]),
        ("a,0,many\n", ["tags.csv:1"]),
        ("a,0,5\n,0,5\n", ["tags.csv:2"]),
        ('a,0,5\n\nb,0,5,"c\n', ["tags.csv:3"]),
        ("a,0,5,b,c\n", ["tags.csv:1"]),
        ("name,category\na,0\nname,category\n", ["tags.csv:3"]),
        ("a,0,5\nb\0b,0,5\n", ["tags.csv:2"]),
    ],
)
def test_bad_lines_are_named(imported, text, where):
    with pytest.raises(UserError, match="tag list") as caught:
        imported(text)
    assert [line.rpartition("/")[2] for line in caught.value.where.splitlines()] == where


@pytest.mark.parametrize("text", ["", "name,category,count\n", "nonsense,6,5\n"])
def test_a_list_without_names_is_refused(imported, text):
    with pytest.raises(UserError, match="holds no names"):
        imported(text)


def test_a_list_that_cannot_be_read_is_refused(imported, tmp_path):
    with pytest.raises(UserError, match="UTF-8"):
        imported(b"\xff\xfe,0,1\n")
    with pytest.raises(UserError, match="cannot read"):
        lexicon_for(tmp_path / "missing.csv")
    (tmp_path / "broken.marisa").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="list of names"):
        lexicon_for(tmp_path / "broken.marisa")


def test_a_list_is_compiled_again_when_it_has_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("TAGKIT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "tags.csv"
    path.write_text("one tag,0,1\n")
    first = own_list(path)
    assert own_list(path) == first
    path.write_text("one tag,0,1\nanother tag,0,1\n")
    assert Names(own_list(path)).category("another tag") == "general"
    assert not first.exists()


def test_the_imported_list_counts_unless_another_is_chosen(imported, tmp_path, monkeypatch):
    monkeypatch.setenv("TAGKIT_DATA", str(tmp_path / "data"))
    assert own_list(None) is None
    (tmp_path / "data").mkdir()
    compiled = imported(LIST).own.path
    compiled.rename(tmp_path / "data" / "lexicon.marisa")
    assert own_list(None) == tmp_path / "data" / "lexicon.marisa"
    assert own_list(tmp_path / "mine.marisa") == tmp_path / "mine.marisa"


def test_a_real_list_is_taken_whole(shared_data, tmp_path, monkeypatch):
    monkeypatch.setenv("TAGKIT_CACHE", str(tmp_path / "cache"))
    lexicon = lexicon_for(shared_data / "danbooru_tags.csv")
    assert int(lexicon.own.note("names")) > 137_000
    assert lexicon.find("hatsune miku").posts > 50_000
