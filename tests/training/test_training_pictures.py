"""Pictures and captions that cannot be used are named, all of them at once."""

from __future__ import annotations

import pytest
from PIL import Image
from small_model import draw

from tagkit.errors import UserError
from tagkit.settings import Settings
from tagkit.training.dataset import find_pictures, load_image
from tagkit.training.plan import make_plan
from tagkit.training.recipe import read_recipe


def found(recipe, **said):
    return find_pictures(read_recipe(recipe(**said)))


def problem(recipe, **said):
    with pytest.raises(UserError) as caught:
        found(recipe, **said)
    return caught.value


def test_pictures_come_with_their_captions_and_sides(recipe):
    pictures = found(recipe)
    assert [each.path.name for each in pictures] == [
        "black.png", "blue.png", "green.png", "red.png", "white.webp",
    ]  # fmt: skip
    assert pictures[0].caption == "1girl, black hair, smile"
    assert (pictures[0].width, pictures[0].height) == (96, 48)


def test_everything_that_is_wrong_is_named_in_one_error(recipe, pictures):
    draw(pictures / "bare.png", (64, 64), "red", None)
    draw(pictures / "empty.png", (64, 64), "red", " \n")
    draw(pictures / "small.png", (64, 16), "red", "1girl")
    (pictures / "alone.txt").write_text("1girl")
    (pictures / "noise.png").write_bytes(b"no picture")
    (pictures / "noise.txt").write_text("1girl")
    draw(pictures / "latin.png", (64, 64), "red", None)
    (pictures / "latin.txt").write_bytes(b"caf\xe9")
    error = problem(recipe)
    assert "6 files" in error.what
    for name, why in {
        "bare.png": "a picture without a caption",
        "empty.png": "`empty.txt` is empty",
        "small.png": "64x16 is too small; `buckets.min` is 32",
        "alone.txt": "a caption without a picture",
        "noise.png": "cannot be read as a picture",
        "latin.png": "`latin.txt` is no UTF-8 text",
    }.items():
        assert f"{pictures / name}: " in error.where
        assert why in error.where


def test_many_problems_are_counted(recipe, pictures):
    for number in range(14):
        draw(pictures / f"{number}.png", (64, 64), "red", None)
    error = problem(recipe)
    assert "14 files" in error.what
    assert error.where.endswith("and 4 more")


def test_a_folder_that_is_not_there_is_named_with_its_line(recipe, tmp_path):
    error = problem(recipe, data=[{"folder": "gone"}])
    assert str(tmp_path / "gone") in error.what
    assert error.where.startswith(f"{tmp_path / 'recipe.yaml'}:")
    (tmp_path / "void").mkdir()
    assert "holds no pictures" in problem(recipe, data=[{"folder": "void"}]).what


def test_a_picture_without_a_file_takes_the_caption_of_its_folder(recipe, tmp_path):
    draw(tmp_path / "10_suzu" / "a.png", (64, 64), "red", None)
    (picture,) = found(recipe, data=[{"folder": "10_suzu", "caption": "suzu"}])
    assert (picture.caption, picture.caption_path, picture.repeats) == ("suzu", None, 10)
    (picture,) = found(recipe, data=[{"folder": "10_suzu", "caption": "suzu", "repeats": 3}])
    assert picture.repeats == 3


def test_the_regularisation_set_takes_the_class_token(recipe, tmp_path):
    draw(tmp_path / "regular" / "a.png", (64, 64), "red", None)
    draw(tmp_path / "regular" / "b.png", (64, 64), "red", "1girl, solo")
    said = {"class_token": "solo", "folders": ["regular"]}
    regular = [each for each in found(recipe, regularisation=said) if each.regular]
    assert [each.caption for each in regular] == ["solo", "1girl, solo"]


def test_a_caption_is_the_first_line_and_other_files_are_let_be(recipe, pictures):
    draw(pictures / "c.png", (64, 64), "red", None)
    (pictures / "c.caption").write_text("\ufeffhat, smile\r\nsecond line\r\n", encoding="utf-8")
    (pictures / "notes.md").write_text("notes")
    (picture,) = [each for each in found(recipe) if each.path.name == "c.png"]
    assert picture.caption == "hat, smile"


def test_a_picture_is_turned_upright_and_what_is_clear_becomes_white(recipe, pictures):
    image = Image.new("RGBA", (64, 96), (255, 0, 0, 0))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(pictures / "turned.png", exif=exif)
    (pictures / "turned.txt").write_text("1girl")
    (picture,) = [each for each in found(recipe) if each.path.name == "turned.png"]
    assert (picture.width, picture.height) == (96, 64)
    loaded = load_image(picture)
    assert loaded.size == (96, 64)
    assert loaded.getpixel((0, 0)) == (255, 255, 255)


def test_a_picture_that_is_cut_short_is_named(recipe, pictures):
    path = draw(pictures / "short.png", (64, 64), "red", "1girl")
    Image.effect_noise((64, 64), 90).save(path)
    path.write_bytes(path.read_bytes()[:900])
    (picture,) = [each for each in found(recipe) if each.path.name == "short.png"]
    with pytest.raises(UserError, match=r"short\.png` cannot be read"):
        load_image(picture)


def test_the_plan_counts_steps_and_says_what_is_enlarged_or_cut(recipe, pictures):
    draw(pictures / "long.png", (400, 40), "red", "1girl")
    plan = make_plan(read_recipe(recipe(max_steps=None, epochs=4, batch_size=2)), Settings())
    assert plan.steps == plan.order.batches_in(4) == 4 * 5
    warnings = "\n".join(plan.warnings)
    assert "`long.png` is cut by more than a quarter" in warnings
    thrifty = recipe(max_steps=None, epochs=4, batch_size=2, gradient_accumulation=3)
    assert make_plan(read_recipe(thrifty), Settings()).steps == 7


@pytest.mark.parametrize(
    ("start", "what"),
    [
        ("gone.safetensors", "there is no checkpoint `gone.safetensors`"),
        ("bazl-v3", "there is no checkpoint `bazl-v3`"),
        ({"config": "gone"}, "`from.config` names `gone`"),
        ({"config": "pictures"}, "is no folder of config files"),
        ({"config": "tiny/image", "vae": "gone"}, "`from.vae` names `gone`"),
        ("model.ckpt", "is a pickle"),
        ("pictures", "is no diffusers folder of an SDXL model"),
        ("lora.safetensors", "is no SDXL checkpoint but a LoRA"),
    ],
)
def test_a_start_that_is_no_model_is_named(recipe, tmp_path, start, what):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    (tmp_path / "model.ckpt").touch()
    save_file({"lora_unet_a.lora_up.weight": torch.zeros(1)}, tmp_path / "lora.safetensors")
    with pytest.raises(UserError) as caught:
        make_plan(read_recipe(recipe(**{"from": start})), Settings())
    assert what in caught.value.what
