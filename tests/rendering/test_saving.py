from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
pytest.importorskip("PIL")

from PIL import Image  # noqa: E402

from tagkit.infotext import read_image, read_infotext  # noqa: E402
from tagkit.rendering.saving import infotext, save_picture  # noqa: E402


def test_a_picture_carries_its_recipe(tmp_path, make_job):
    job = make_job(prompt="1girl, (青い髪:1.2)", file="sub/a.png", cfg=6.5, weights="abcdef0123456")
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    path = save_picture(pixels, job, tmp_path)
    assert path == tmp_path / "sub" / "a.png"
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), pixels)
    info = read_image(path)
    assert (info.prompt, info.negative) == ("1girl, (青い髪:1.2)", "lowres, bad hands")
    assert list(info.settings.items())[:-1] == [
        ("Steps", "3"), ("Sampler", "Euler a"), ("Schedule type", "Automatic"),
        ("CFG scale", "6.5"), ("Seed", "1"), ("Size", "64x64"), ("Model hash", "abcdef0123"),
        ("Model", "tiny"), ("RNG", "CPU"),
    ]  # fmt: skip
    assert info.settings["Version"].startswith("tagkit ")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")))
def test_any_prompt_survives(make_job, text):
    info = infotext(make_job(prompt=text, negative=""))
    if "Negative prompt:" not in text:
        assert read_infotext(str(info)).prompt == text.strip()


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path, make_job, monkeypatch):
    def fail(*args):
        raise OSError("no")

    monkeypatch.setattr("tagkit.rendering.saving.os.fsync", fail)
    with pytest.raises(OSError, match="no"):
        save_picture(np.zeros((8, 8, 3), np.uint8), make_job(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_is_named_by_its_file(make_job):
    info = infotext(make_job(checkpoint="/models/nice one.safetensors"))
    assert info.settings["Model"] == "nice one"


@pytest.mark.parametrize(
    ("sampler", "scheduler", "expected"),
    [
        ("dpm++-2m", "automatic", ("DPM++ 2M", "Karras")),
        ("dpm++-2m-sde", "karras", ("DPM++ 2M SDE", "Karras")),
        ("ddim", "automatic", ("DDIM", "Automatic")),
    ],
)
def test_samplers_and_schedules_have_the_names_of_a1111(make_job, sampler, scheduler, expected):
    settings = infotext(make_job(sampler=sampler, scheduler=scheduler)).settings
    assert (settings["Sampler"], settings["Schedule type"]) == expected
