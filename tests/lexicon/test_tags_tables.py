"""The curated tag tables as data: their form, and what they cover of a real tag list."""

import csv
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from tagkit.data import data_folder
from tagkit.prompt import canonical

TABLES = sorted((data_folder("rules") / "tags").glob("*.tsv"))
GROUPS = """
accessories animal_ears animals arms_hands background bags body breasts color_theme costume count
dress effects expression eye_color eyes eyewear face focus food footwear gaze gloves_handwear
hair_color hair_length hair_ornament hair_pattern hair_style halo headwear held_objects
indoors_furniture interaction jewelry kaomoji legs legwear lower_wear medium_style meta music
nature_plants neckwear pose quality rating scenery sexual sleeves sports_games swimwear
tail_wings_horns text_symbols time_season uniform upper_wear vehicles_machines view weapons
weather_light year
""".split()

# Words that the list's general-audience filter takes out wholesale; their names are checked by eye.
FILTERED_GROUPS = {"sexual", "swimwear", "breasts"}
FILTERED_NAMES = Path(__file__).with_name("filtered_names.txt").read_text("utf-8").splitlines()

COMMON = 20_000


def rows(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line.partition("\t")[::2] for line in lines[1:-1]]


def names(path):
    return [name for name, _ in rows(path)]


@pytest.fixture(scope="module")
def group_of():
    return {name: path.stem for path in TABLES for name in names(path)}


@pytest.fixture(scope="module")
def posts():
    """Each name and alias of the shared list, canonical, with its category and number of posts."""
    if not (shared := os.environ.get("TAGKIT_SHARED")):
        pytest.skip("TAGKIT_SHARED is not set")

    found = {}
    with (Path(shared) / "data" / "danbooru_tags.csv").open(encoding="utf-8", newline="") as file:
        for name, category, count, aliases in csv.reader(file):
            for alias in filter(None, aliases.split(",")):
                found.setdefault(canonical(alias), (category, 0))
            found[canonical(name)] = (category, int(count))
    return found


@pytest.fixture(scope="module")
def common(posts):
    """The general tags of more than 20,000 posts."""
    return [name for name, (category, count) in posts.items() if category == "0" and count > COMMON]


def test_the_groups_that_rules_and_cards_name_are_there():
    assert set(GROUPS) <= {path.stem for path in TABLES}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_form(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("tag\torigin\n")
    assert text.endswith("\n")
    assert "\r" not in text
    assert names(path) == sorted(set(names(path)))
    assert {origin for _, origin in rows(path)} <= {"", "model"}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_names_are_canonical(path):
    for name, origin in rows(path):
        assert name
        assert "," not in name
        assert canonical(name) == name or origin == "model"
        assert name == name.strip().lower()


def test_a_name_stands_in_one_group_only():
    counted = Counter(name for path in TABLES for name in names(path))
    assert [name for name, times in counted.items() if times > 1] == []


def test_colors_and_patterns_are_kept_apart(group_of):
    plain = re.compile(r"(?:(?:dark|light) )?[a-z]+ (?:hair|eyes)")
    for name, group in group_of.items():
        if group in {"hair_color", "eye_color"}:
            assert plain.fullmatch(name), name
            assert not re.match(r"two-tone|multicolored|gradient|rainbow|streaked", name)


def test_model_words_stand_where_models_have_words():
    for path in TABLES:
        if any(origin == "model" for _, origin in rows(path)):
            assert path.stem in {
                "quality",
                "rating",
                "year",
                "meta",
                "flaws",
                "text_symbols",
                "authorship",
            }


def test_common_general_tags_are_covered(common, group_of):
    missing = [name for name in common if name not in group_of]
    assert len(missing) <= 0.01 * len(common), missing


def test_no_group_holds_a_twentieth_of_the_common_tags(common, group_of):
    group, size = Counter(group_of[name] for name in common if name in group_of).most_common(1)[0]
    assert size <= 0.05 * len(common), group


def test_names_are_real(posts, group_of):
    """A Danbooru name is in the shared list, of the right category, or known to be filtered."""
    for path in TABLES:
        if path.stem in FILTERED_GROUPS:
            continue
        category = "5" if path.stem == "meta" else "0"
        for name, origin in rows(path):
            if not origin and name not in FILTERED_NAMES:
                assert posts.get(name, ("absent", 0))[0] == category, (path.stem, name)


def test_the_filtered_names_are_needed(posts, group_of):
    assert sorted(set(FILTERED_NAMES)) == FILTERED_NAMES
    assert [name for name in FILTERED_NAMES if name in posts or name not in group_of] == []


def test_the_general_tags_are_many(group_of):
    model_or_meta = {"quality", "rating", "year", "meta", "sexual"}
    assert sum(group not in model_or_meta for group in group_of.values()) >= 2_500
