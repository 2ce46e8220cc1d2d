"""The detector that comes with tagkit, on drawn busts that it was not trained on."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime")

from tagkit.cards import detector_card  # noqa: E402
from tagkit.cards.files import stored_file  # noqa: E402
from tagkit.rendering.detecting import Detector  # noqa: E402

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def draw_any():
    if not SCRIPTS.is_dir():
        pytest.skip("there are no scripts outside of a checkout")
    sys.path.insert(0, str(SCRIPTS))
    try:
        from bust_drawing import draw_any
    finally:
        sys.path.remove(str(SCRIPTS))
    return draw_any


@pytest.fixture(scope="module")
def path():
    card = detector_card("tiny-face")
    return stored_file(card, card.files[0], ())


def overlap(one, other):
    wide = max(min(one[2], other[2]) - max(one[0], other[0]), 0)
    tall = max(min(one[3], other[3]) - max(one[1], other[1]), 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * tall / (areas - wide * tall)


def test_it_is_small(path):
    assert path.stat().st_size < 1_000_000


@pytest.mark.parametrize("side", [128, 256, 640])
def test_it_finds_faces_at_any_size(path, draw_any, side):
    random, detector = Random(7), Detector(path)
    pictures = [draw_any(random, side) for _ in range(40)]
    found = [detector(np.asarray(picture.image), 0.3) for picture in pictures]
    faces = [
        max((overlap(face, each.box) for each in finds), default=0) > 0.5
        for picture, finds in zip(pictures, found, strict=True)
        for face in picture.faces
    ]
    assert sum(faces) >= 0.9 * len(faces)
    assert sum(map(len, found)) <= 1.2 * len(faces)


def test_an_empty_picture_has_no_face(path):
    detector = Detector(path)
    for value in (0, 128, 255):
        assert detector(np.full((256, 192, 3), value, np.uint8), 0.3) == []
