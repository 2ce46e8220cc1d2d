"""The upscaler that tagkit carries, on pictures that it was not trained on."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytest.importorskip("spandrel")

from PIL import Image, ImageDraw  # noqa: E402

from tagkit.cards import upscaler_card, upscaler_cards  # noqa: E402
from tagkit.data import data_folder  # noqa: E402
from tagkit.rendering.upscaling import open_network, resampled  # noqa: E402


@pytest.fixture(scope="module")
def path():
    card = upscaler_card("tiny-dat-x2")
    return data_folder("models") / card.weights.folder / card.files[0].name


@pytest.fixture(scope="module")
def picture():
    """A face with hair and a star, drawn large and made small."""
    canvas = Image.new("RGB", (512, 512), (170, 210, 240))
    draw = ImageDraw.Draw(canvas)
    outline = {"outline": (50, 35, 45), "width": 6}
    draw.ellipse((90, 40, 420, 480), (235, 150, 70), **outline)
    draw.ellipse((150, 130, 360, 400), (255, 225, 205), **outline)
    draw.polygon([(140, 200), (180, 90), (250, 210), (300, 95), (370, 220), (380, 80), (130, 70)],
                 (235, 150, 70), **outline)  # fmt: skip
    for x in (200, 310):
        draw.ellipse((x - 22, 230, x + 22, 300), (255, 255, 255), **outline)
        draw.ellipse((x - 14, 240, x + 14, 298), (70, 120, 200))
        draw.ellipse((x - 10, 245, x - 2, 255), (255, 255, 255))
    draw.arc((220, 320, 290, 360), 10, 170, (150, 60, 60), 5)
    draw.line([(400, 60), (480, 20), (500, 130), (410, 90), (490, 60)], (250, 220, 60), 4)
    return np.asarray(canvas.resize((128, 128), Image.Resampling.BOX))


def halved(picture):
    height, width, _ = picture.shape
    return resampled(picture, width // 2, height // 2, "BICUBIC")


def decibels(found, wanted):
    return -10 * np.log10(np.square((found - wanted) / 255).mean())


def gradient(picture):
    return np.abs(np.diff(picture, axis=0)).mean() + np.abs(np.diff(picture, axis=1)).mean()


def test_it_is_sharper_and_nearer_to_the_truth_than_resampling(path, picture):
    small, wanted = halved(picture), picture.astype(float)
    drawn = open_network(path, torch.device("cpu"))(small, 128, 128).astype(float)
    lanczos = resampled(small, 128, 128).astype(float)
    assert decibels(drawn, wanted) > decibels(lanczos, wanted) + 1
    assert gradient(lanczos) < gradient(drawn) < gradient(wanted) * 1.1


def test_it_is_small_and_of_the_kind_that_its_card_says(path):
    assert path.stat().st_size < 1_500_000
    network = open_network(path, torch.device("cpu"))._network
    assert network.architecture.id == "DAT"
    assert network.scale == upscaler_card("tiny-dat-x2").scale


@pytest.mark.parametrize("name", upscaler_cards())
def test_a_card_says_where_its_file_comes_from(name):
    card = upscaler_card(name)
    [file] = card.files
    assert card.weights.folder or (file.url.startswith("https://") and len(file.sha256) == 64)
