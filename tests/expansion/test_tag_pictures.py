"""The pictures that the tiny tag model learns from."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from tagkit.cards import tag_card

if TYPE_CHECKING:
    from types import ModuleType

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def tag_pictures() -> ModuleType:
    sys.path.insert(0, str(SCRIPTS))
    try:
        return __import__("tag_pictures")
    finally:
        sys.path.remove(str(SCRIPTS))


def test_every_tag_stands_in_a_table(tag_pictures: ModuleType) -> None:
    assert tag_pictures.read_scenes()


def test_a_tag_of_no_table_is_named(
    tag_pictures: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = tag_pictures.known_tags() - {"pleated skirt"}
    monkeypatch.setattr(tag_pictures, "known_tags", lambda: known)
    with pytest.raises(SystemExit, match="pleated skirt"):
        tag_pictures.read_scenes()


def test_pictures_are_the_same_for_the_same_seed(tag_pictures: ModuleType) -> None:
    scenes = tag_pictures.read_scenes()
    first, again = (
        [tag_pictures.draw_picture(scenes, random) for _ in range(50)]
        for random in (Random(1), Random(1))
    )
    assert first == again
    assert len({tuple(picture.general) for picture in first}) == 50


def test_pictures_hold_together(tag_pictures: ModuleType) -> None:
    scenes = tag_pictures.read_scenes()
    random = Random(2)
    for _ in range(300):
        picture = tag_pictures.draw_picture(scenes, random)
        tags = {*picture.people, *picture.general}
        hair = [tag for tag in tags if tag in scenes["looks"][0]["tags"]]
        assert picture.people
        if "no humans" in tags:
            assert not hair
        if "solo" in tags and "character" not in picture.header:
            assert len(hair) <= 1
        assert not {"nude", "sex"} & tags


@pytest.mark.parametrize("general", [(), ("sky",), ("sky", "cloud", "solo", "smile", "hat")])
def test_samples_hold_what_the_picture_holds(
    tag_pictures: ModuleType, general: tuple[str, ...]
) -> None:
    pytest.importorskip("transformers")
    sys.path.insert(0, str(SCRIPTS))
    try:
        trainer = __import__("train_tag_model")
    finally:
        sys.path.remove(str(SCRIPTS))
    card = tag_card("tiny")
    picture = tag_pictures.Picture(["1girl"], dict.fromkeys(general, 2.0), {"rating": ("safe",)})
    for seed in range(40):
        given, written = trainer.draw_sample(picture, card, Random(seed))
        listed, end = given.rpartition("general: ")[2].split(card.layout.end_of_input)
        shown = [tag for part in (listed, written) for tag in part.strip().split(", ") if tag]
        assert end == ""
        assert sorted(shown) == sorted(["1girl", *general])
