from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")
pytest.importorskip("PIL")

from PIL import Image  # noqa: E402

from tagkit.infotext import read_image, read_infotext  # noqa: E402
from tagkit.rendering.job import DetailerPass, HiresPass, Lora  # noqa: E402
from tagkit.rendering.job_infotext import infotext  # noqa: E402
from tagkit.rendering.recorded import recorded_fields  # noqa: E402
from tagkit.rendering.saving import save_picture  # noqa: E402
from tagkit.rendering.session import plan  # noqa: E402


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


@pytest.mark.parametrize(("form", "suffix"), [("jpeg", "jpg"), ("webp", "webp")])
def test_other_formats_carry_the_recipe_too(tmp_path, make_job, form, suffix):
    job = make_job(prompt="1girl, (青い髪:1.2)", file=f"a.{suffix}", format=form)
    path = save_picture(np.full((16, 16, 3), 200, np.uint8), job, tmp_path)
    with Image.open(path) as image:
        assert image.format == form.upper()
        assert abs(int(np.asarray(image.convert("RGB"))[8, 8, 0]) - 200) < 3
    assert str(read_image(path)) == str(infotext(job))


def test_a_recipe_that_a_jpeg_cannot_hold_is_an_error(tmp_path, make_job):
    job = make_job(prompt="a, " * 12_000, file="a.jpg", format="jpeg")
    with pytest.raises(ValueError, match="too long for a JPEG"):
        save_picture(np.zeros((8, 8, 3), np.uint8), job, tmp_path)
    assert not list(tmp_path.iterdir())


def test_passes_have_the_keys_of_a1111(make_job):
    hires = HiresPass("latent-nearest", 96, 96, 0.45, steps=10, prompt='a "b", c: d')
    detailers = (
        DetailerPass("face"),
        DetailerPass("hand", top_k=2, cfg=5.0, width=512, height=640),
    )
    job = make_job(hires=hires, detailer=detailers, vae="x.safetensors", vae_digest="ab" * 32)
    settings = read_infotext(str(infotext(job))).settings
    said = {key: value for key, value in settings.items() if key.startswith(("Hires", "Den"))}
    assert said == {
        "Denoising strength": "0.45",
        "Hires upscale": "1.5",
        "Hires steps": "10",
        "Hires upscaler": "Latent (nearest)",
        "Hires prompt": 'a "b", c: d',
    }
    assert settings["ADetailer model"] == "face"
    assert settings["ADetailer dilate erode"] == "4"
    assert settings["ADetailer mask only top k 2nd"] == "2"
    assert settings["ADetailer inpaint height 2nd"] == "640"
    assert (settings["VAE"], settings["VAE hash"]) == ("x.safetensors", "ababababab")
    assert "ADetailer mask only top k" not in settings


def test_no_path_of_the_machine_is_told(make_job):
    job = make_job(
        vae="/home/me/v.safetensors",
        vae_digest="1" * 64,
        hires=HiresPass("/home/me/u.pth", 96, 96, 0.5),
        detailer=(DetailerPass("/home/me/d.onnx"),),
        loras=(Lora("/home/me/l.safetensors"),),
        checkpoint="/home/me/c.safetensors",
    )
    assert "/home" not in str(infotext(job))


def test_networks_that_the_prompt_does_not_name_are_named(make_job):
    both, apart = Lora("a", 0.8, 0.8, "x", "1" * 12), Lora("b", 0.5, 0.25, "x", "2" * 12)
    loras = (both, apart, Lora("c", a1111_hash="3" * 12))
    job = make_job(prompt="1girl <lora:c:1>", loras=loras)
    settings = read_infotext(str(infotext(job))).settings
    assert settings["Lora hashes"] == "a: 111111111111, b: 222222222222, c: 333333333333"
    assert settings["Lora weights"] == "a: 0.8, b: 0.5"
    entries = recorded_fields(settings, "x").loras
    assert [(each.name, each.weight, each.text_weight) for each in entries] == [
        ("a", 0.8, None), ("b", 0.5, 0.25),
    ]  # fmt: skip


RECIPES = """\
version: 1
model: tiny
defaults: {size: 128x192, steps: 4}
matrix: {seed: [3]}
prompts:
  - "1girl, blue hair"
  - {prompt: "1girl, hat", hires: card, detailer: card}
  - {prompt: "1girl, bow", rng: nv, hires: {upscaler: lanczos, size: 200x320, denoise: 0.3,
     steps: 7, cfg: 4.5, sampler: dpm++-2m, prompt: "smile, a: b", negative: "x"}}
  - {prompt: "1girl, fox", sampler: dpm++-2m, hires: {upscaler: lanczos, steps: 4, cfg: 6}}
  - {prompt: "a [b:c:0.5] AND d", sampler: dpm++-sde, scheduler: exponential, cfg_rescale: 0.5}
  - {prompt: "cat", emphasis: no-norm, clip_skip: 1, negative: none, format: webp}
  - {prompt: "cat", sampler: unipc, hires: {upscaler: latent, scale: 1.5, scheduler: karras},
     detailer: [{detector: tiny-face, top_k: 1, select: confidence, sort: left-to-right, dilate: -3,
     denoise: 0.55, only_masked: false, size: 64x96, steps: 9, cfg: 3, sampler: euler,
     prompt: "face [SEP] [SKIP]"}, {detector: tiny-face}, {detector: tiny-face, scheduler: karras}]}
"""


def test_a_picture_tells_how_to_make_it_again(tmp_path):
    """Planned from its own infotext, a picture is the same job."""
    (tmp_path / "jobs.yaml").write_text(RECIPES, encoding="utf-8")
    jobs = plan(tmp_path / "jobs.yaml")
    assert len({job.id for job in jobs}) == 7
    for job in jobs:
        path = save_picture(np.zeros((8, 8, 3), np.uint8), job, tmp_path / "out")
        (again,) = plan(path)
        assert again.id == job.id, job.prompt
