"""Lists of others that the tiny tag model learns from, and tags that contradict one another."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

SCRIPTS = Path(__file__).parents[2] / "scripts"

LOOKS = "blonde hair, blue eyes, long hair, smile, school uniform, sky, outdoors, solo"


@pytest.fixture(scope="module")
def modules() -> dict[str, ModuleType]:
    names = ("tag_apart", "tag_lists", "tag_pictures")
    sys.path.insert(0, str(SCRIPTS))
    try:
        return {name: __import__(name) for name in names}
    finally:
        sys.path.remove(str(SCRIPTS))


@pytest.fixture(scope="module")
def scenes(modules: dict[str, ModuleType]) -> dict[str, Any]:
    return dict(modules["tag_pictures"].read_scenes())


@pytest.fixture(scope="module")
def reader(modules: dict[str, ModuleType], scenes: dict[str, Any]) -> Any:
    return modules["tag_lists"].Reader(scenes)


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    """A folder with one more file in it."""

    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path

    return write


def lines(rows: Iterable[dict[str, str]]) -> str:
    return "".join(f"{json.dumps(row)}\n" for row in rows)


@pytest.mark.parametrize(
    ("tags", "clashes"),
    [
        ("1girl, blue hair, red hair", [("blue hair", "red hair")]),
        ("2girls, blue hair, red hair", []),
        ("1girl, 1boy, blue hair, red hair", []),
        ("1girl, blue hair, red hair, multicolored hair", []),
        ("1girl, closed eyes, blue eyes", [("closed eyes", "blue eyes")]),
        ("2girls, day, night sky", [("day", "night sky")]),
        ("1girl, simple background, white background, gradient background", []),
        ("1girl, white background, cityscape", [("white background", "cityscape")]),
        ("1girl, sky, beach, ocean, cloud", []),
    ],
)
def test_contradictions(
    modules: dict[str, ModuleType], scenes: dict[str, Any], tags: str, clashes: list[Any]
) -> None:
    given = tags.split(", ")
    found = modules["tag_apart"].Apart(scenes["apart"]).sort(given)
    assert found.clashes == clashes
    assert found.kept == [tag for tag in given if tag not in [later for _, later in clashes]]


def test_drawn_lists_do_not_contradict_themselves(
    modules: dict[str, ModuleType], scenes: dict[str, Any]
) -> None:
    random, apart = Random(3), modules["tag_apart"].Apart(scenes["apart"])
    order = modules["tag_pictures"].writing_order(scenes)
    drawn = [modules["tag_pictures"].draw_picture(scenes, random) for _ in range(200)]
    drawn += [modules["tag_lists"].draw_bust(order, apart, random) for _ in range(200)]
    assert not [
        clash for each in drawn for clash in apart.sort([*each.people, *each.general]).clashes
    ]


def test_busts_have_the_words_of_the_picture_generator(
    modules: dict[str, ModuleType], scenes: dict[str, Any]
) -> None:
    order = modules["tag_pictures"].writing_order(scenes)
    apart = modules["tag_apart"].Apart(scenes["apart"])
    busts = [modules["tag_lists"].draw_bust(order, apart, Random(seed)) for seed in range(400)]
    world = __import__("bust_world")
    tags = {tag for bust in busts for tag in bust.general}
    assert tags >= {*world.HAIR, *world.EYES, *world.PLAIN, *world.STYLES, "halo", "glasses"}
    assert not tags & {*world.OTHERS, *world.GOOD, *world.POOR}


def test_characters_keep_known_and_harmless_tags(
    modules: dict[str, ModuleType], reader: Any, data: Callable[..., Path]
) -> None:
    folder = data("danbooru_tags.csv", 'girl_1,4,70,\ngirl_2,4,900,"lass,miss"\n')
    texts = [f"girl {place}, some series, 1girl, {LOOKS}" for place in range(3)]
    texts += ["a, b, 1girl, blonde hair, red hair, large breasts, nude, no such tag, smile"]
    texts += [f"c, d, 1girl, child, nude, {LOOKS}", f"e, f, no humans, {LOOKS}", "g, h, 1girl"]
    data("character_tags.jsonl", lines({"text": text} for text in texts))
    found = modules["tag_lists"].read_characters(folder, reader)
    assert [each[0] for each in found] == ["girl 2", "girl 1", "girl 0", "a"]
    assert found[0] == ["girl 2", "some series", "1girl", *LOOKS.split(", ")]
    assert found[3][3:] == ["blonde hair", "smile"]


def test_prompts_are_read_in_their_dialect_and_some_are_held_out(
    modules: dict[str, ModuleType], reader: Any, data: Callable[..., Path]
) -> None:
    pictures = modules["tag_pictures"]
    drawn = [pictures.draw_picture(pictures.read_scenes(), Random(seed)) for seed in range(60)]
    lists = [[*each.people, *each.general] for each in drawn]
    rows = [
        {"kind": "novelai", "text": ", ".join(f"{{{tag}}}" for tag in tags) + ", 1.2::halo::"}
        for tags in lists
        if "(" not in "".join(tags)
    ]
    rows += [{"kind": "civitai", "text": f"1girl, child, nude, {LOOKS}"}]
    rows += [{"kind": "webui_style", "text": "(1girl:1.2), a lovely day in the quiet old park"}]
    rows += [{"kind": "pictures", "text": LOOKS}]
    folder = data("prompts.jsonl", lines(rows))
    learnt, held = modules["tag_lists"].read_prompts(folder, reader)
    assert 0 < len(held) < len(learnt) <= len(rows)
    assert all("halo" in each.general for each in held)
    like = modules["tag_lists"]._like_one_of
    assert not [each for each in learnt if like(each, held)]
    assert "child" not in {tag for each in (*learnt, *held) for tag in each.general}


def test_a_file_that_is_missing_is_named(
    modules: dict[str, ModuleType], reader: Any, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match=r"there is no prompts\.jsonl"):
        modules["tag_lists"].read_prompts(tmp_path, reader)
