"""`tagkit lexicon`, and the setting `lexicon`."""

import json

import pytest

LIST = 'qwertyuiop,0,4321,"asdf ghjk"\n1girl,0,6000000,\n'


@pytest.fixture
def tagkit(run, tmp_path):
    """Runs tagkit in a folder of its own, with user data of its own."""
    (tmp_path / "tags.csv").write_text(LIST)

    def run_here(*args, **options):
        return run(*args, cwd=tmp_path, TAGKIT_DATA=str(tmp_path / "data"), **options)

    return run_here


def test_lookup_shows_what_is_known(tagkit):
    done = tagkit("lexicon", "lookup", "thigh_highs", "halo")
    assert done.returncode == 0
    assert "alias of    thighhighs" in done.stdout
    assert "group legwear" in done.stdout
    assert "black thighhighs" in done.stdout
    assert "comes out unasked" in done.stdout


def test_lookup_as_json(tagkit):
    done = tagkit("lexicon", "lookup", "very long hair", "1boy", "sowrd", "--format", "json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["version"], document["model"]) == (1, "baxl-v3")
    hair, boy, sword = document["names"]
    assert hair["implies"] == ["long hair"]
    assert hair["implied_by"] == ["absurdly long hair"]
    assert (boy["category"], boy["group"], boy["posts"]) == ("general", "count", None)
    assert any("advised against" in each for each in boy["model_says"])
    assert (sword["known"], sword["nearest"]) == (False, ["sword"])


def test_lookup_for_another_card(tagkit):
    done = tagkit("lexicon", "lookup", "score_9", "--model", "kohaku-delta")
    assert "a word of other families" in done.stdout
    assert tagkit("lexicon", "lookup", "halo", "--model", "nonsense").returncode == 2


def test_an_imported_list_is_known_from_then_on(tagkit):
    assert tagkit("lexicon", "lookup", "qwertyuiop").returncode == 1
    done = tagkit("lexicon", "import", "tags.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 names and 1 aliases of tags.csv in ")
    assert "posts       4,321" in tagkit("lexicon", "lookup", "asdf_ghjk").stdout
    assert "yours: 2 names" in tagkit("lexicon", "info").stdout
    found = tagkit("lint", "1girl, asdf ghjk", "--select", "TAG102", "--output-format", "concise")
    assert "`asdf ghjk` is known as `qwertyuiop`" in found.stdout


def test_a_bad_list_changes_nothing(tagkit, tmp_path):
    tagkit("lexicon", "import", "tags.csv")
    (tmp_path / "bad.csv").write_text("a,0,1\nno list at all\n")
    done = tagkit("lexicon", "import", "bad.csv")
    assert done.returncode == 2
    assert "bad.csv:2" in done.stderr
    assert tagkit("lexicon", "lookup", "qwertyuiop").returncode == 0
    assert tagkit("lexicon", "import", "missing.csv").returncode == 2
    assert tagkit("lexicon", "import", "tags.csv", "-o", "compiled.bin").returncode == 2


@pytest.mark.parametrize("name", ["tags.csv", "compiled.marisa"])
def test_a_project_names_its_own_list(tagkit, tmp_path, name):
    assert tagkit("lexicon", "import", "tags.csv", "-o", "compiled.marisa").returncode == 0
    (tmp_path / "tagkit.yaml").write_text(f"lexicon: {name}\n")
    assert tagkit("lexicon", "lookup", "qwertyuiop").returncode == 0
    (tmp_path / "p.txt").write_text("1girl, qwertyuiop\n")
    assert tagkit("lint", "p.txt", "--select", "TAG101").returncode == 0
    (tmp_path / "tagkit.yaml").write_text("")
    assert tagkit("lint", "p.txt", "--select", "TAG101").returncode == 1


def test_a_list_that_is_not_there_is_an_error(tagkit, tmp_path):
    (tmp_path / "tagkit.yaml").write_text("lexicon: missing.csv\n")
    done = tagkit("lint", "1girl")
    assert done.returncode == 2
    assert "missing.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_info_as_json(tagkit):
    document = json.loads(tagkit("lexicon", "info", "--format", "json").stdout)
    assert document["version"] == 1
    assert [each["list"] for each in document["lists"]] == ["curated", "long lists"]
    assert document["lists"][0]["aliases"] > 1500
