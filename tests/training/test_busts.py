"""The drawn pictures that the tiny models learn from."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tagkit.lexicon import lexicon_for
from tagkit.linting import lint

if TYPE_CHECKING:
    from types import ModuleType

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def modules() -> dict[str, ModuleType]:
    pytest.importorskip("PIL")
    sys.path.insert(0, str(SCRIPTS))
    try:
        return {name: __import__(name) for name in ("bust_world", "bust_drawing", "draw_busts")}
    finally:
        sys.path.remove(str(SCRIPTS))


def test_every_tag_is_one_of_danbooru(modules):
    world, lexicon = modules["bust_world"], lexicon_for()
    random = Random(3)
    captions = [world.tags_of(world.any_bust(random), random) for _ in range(600)]
    tags = {tag for caption in captions for tag in caption}
    assert tags >= {*world.HAIR, *world.EYES, *world.PLAIN, *world.THEMES, "halo", "glasses"}
    # Danbooru has given up this one; prompts have not.
    assert [tag for tag in tags if not lexicon.find(tag)] == ["bangs"]


def test_captions_do_not_contradict_themselves(modules):
    world, random = modules["bust_world"], Random(4)
    found = Counter()
    for _ in range(100):
        bust = world.any_bust(random, girls=1)
        caption = ", ".join(world.tags_of(bust, random))
        found.update(each.code for each in lint(caption).diagnostics)
    assert not found["CON101"]
    assert not found["DUP101"]


def test_a_picture_depends_on_its_number_only(modules):
    draw, size_of = modules["draw_busts"].drawn, modules["draw_busts"].size_of
    assert all(draw(number, 1)[0].image.size == size_of(number, 1) for number in range(8))
    (first, caption), (again, same) = draw(7, 1), draw(7, 1)
    assert (first.image.tobytes(), caption) == (again.image.tobytes(), same)
    assert draw(8, 1)[0].image.tobytes() != first.image.tobytes()
    assert draw(7, 2)[0].image.tobytes() != first.image.tobytes()


@pytest.mark.parametrize("size", [(128, 128), (192, 128), (96, 160)])
def test_hair_and_background_have_the_colours_of_their_tags(modules, size):
    world, draw = modules["bust_world"], modules["bust_drawing"].draw_bust
    random = Random(5)
    for hair, colour in world.HAIR.items():
        girl = world.any_girl(random)._replace(hair=hair, headwear="", halo=False, ears="")
        bust = world.Bust((girl,), "green background", theme="", poor=False)
        picture = draw(bust, size, random)
        pixels = np.asarray(picture.image).reshape(-1, 3)
        assert picture.image.size == size
        assert (pixels == world.PLAIN["green background"]).all(axis=1).mean() > 0.05
        assert (pixels == colour).all(axis=1).mean() > 0.01


def test_faces_lie_within_the_picture(modules):
    world, draw = modules["bust_world"], modules["bust_drawing"].draw_bust
    random = Random(6)
    for girls in (1, 2):
        picture = draw(world.any_bust(random, girls), (128, 128), random)
        assert len(picture.faces) == girls
        for left, top, right, bottom in picture.faces:
            assert 0 <= left < right <= 128
            assert 0 <= top < bottom <= 128
