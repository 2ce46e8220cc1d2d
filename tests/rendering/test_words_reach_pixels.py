"""The tiny model draws what its prompt says: colours are looked at, not only sizes."""

from __future__ import annotations

import json
from itertools import product

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("diffusers")

from PIL import Image  # noqa: E402

import tagkit  # noqa: E402
from tagkit.cards import detector_card  # noqa: E402
from tagkit.cards.files import stored_file  # noqa: E402
from tagkit.rendering.detecting import Detector  # noqa: E402

HAIR = {"blonde hair": (246, 214, 118), "blue hair": (88, 138, 224), "pink hair": (248, 160, 194),
        "black hair": (54, 50, 64)}  # fmt: skip
BACKGROUNDS = {"white background": (250, 250, 250), "green background": (172, 226, 168),
               "black background": (36, 36, 42)}  # fmt: skip


def nearest(pixels, colours):
    """The name of the colour that most of the pixels are nearest to."""
    table = np.array(list(colours.values()), float)
    far = np.square(pixels.reshape(-1, 1, 3).astype(float) - table).sum(axis=2)
    return list(colours)[np.bincount(far.argmin(axis=1)).argmax()]


def above_the_face(pixels, face):
    """The fringe: a third of a face's height, in its middle."""
    left, top, right, bottom = (round(side) for side in face)
    wide, tall = right - left, bottom - top
    return pixels[max(0, top - tall // 7) : top + tall // 5, left + wide // 4 : right - wide // 4]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """What each combination was drawn as: hair, background, pixels, faces."""
    folder = tmp_path_factory.mktemp("drawn")
    asked = list(product(HAIR, BACKGROUNDS))
    prompts = [
        {"prompt": f"1girl, solo, {hair}, short hair, smile, serafuku, simple background, {behind}",
         "seed": number} for number, (hair, behind) in enumerate(asked)
    ]  # fmt: skip
    jobs = folder / "jobs.json"
    jobs.write_text(json.dumps({"version": 1, "model": "tiny", "prompts": prompts}))
    tagkit.render(jobs, output=folder / "out")
    card = detector_card("tiny-face")
    detector = Detector(stored_file(card, card.files[0], ()))
    pictures = [np.asarray(Image.open(file)) for file in sorted((folder / "out").glob("*.png"))]
    return [
        (hair, behind, pixels, [found.box for found in detector(pixels, 0.3)])
        for (hair, behind), pixels in zip(asked, pictures, strict=True)
    ]


def test_every_picture_shows_one_face(drawn):
    assert sum(len(faces) == 1 for *_, faces in drawn) >= 11


def test_backgrounds_have_the_colour_that_was_asked_for(drawn):
    shown = [nearest(pixels[:40, [0, 1, -2, -1]], BACKGROUNDS) for _, _, pixels, _ in drawn]
    assert sum(a == b for a, (_, b, *_) in zip(shown, drawn, strict=True)) >= 11


def test_hair_has_the_colour_that_was_asked_for(drawn):
    right = [
        bool(faces) and nearest(above_the_face(pixels, faces[0]), HAIR) == hair
        for hair, _, pixels, faces in drawn
    ]
    assert sum(right) >= 9


def test_a_halo_comes_if_it_is_asked_for(tmp_path):
    """Seed for seed, the space above the head changes with the word, and only there by much."""
    said = "1girl, solo, black hair, short hair, white background, simple background"
    wishes = product((said, f"{said}, halo"), range(4))
    prompts = [{"prompt": prompt, "seed": seed} for prompt, seed in wishes]
    jobs = tmp_path / "jobs.json"
    jobs.write_text(json.dumps({"version": 1, "model": "tiny", "prompts": prompts}))
    tagkit.render(jobs, output=tmp_path / "out")
    pictures = [np.asarray(Image.open(file)) for file in sorted((tmp_path / "out").glob("*.png"))]
    coloured = [np.ptp(each[:32].astype(int), axis=2).max(axis=(0, 1)) for each in pictures]
    assert max(coloured[:4]) < min(coloured[4:])
