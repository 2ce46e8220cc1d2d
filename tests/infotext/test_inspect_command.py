from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from image_files import png, png_with, text_chunk

from tagkit.commands.as_job import job_file
from tagkit.infotext import Infotext, read_infotext
from tagkit.rendering.blocks import DetailerEntry, Hires, LoraEntry
from tagkit.rendering.fields import Fields, merged
from tagkit.rendering.jobfile import read_source

TEXT = (
    "1girl, blue hair\nNegative prompt: lowres, 'x'\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 6.5, Seed: 7, Size: 832x1216, Model: tiny"
)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(text_chunk("parameters", TEXT)))
    return path


def requests_of(tmp_path, text):
    path = tmp_path / "again.yaml"
    path.write_text(text, encoding="utf-8")
    return [(each.prompt, merged(*each.layers)) for each in read_source(path).requests]


def test_text(run, image):
    out = run("inspect", image)
    assert (out.returncode, out.stdout, out.stderr) == (0, TEXT + "\n", "")


def test_json(run, image, tmp_path):
    other = tmp_path / "b.png"
    other.write_bytes(png_with(Dream='"a fox [blurry]" -s20'))
    out = run("inspect", image, other, "--format", "json")
    document = json.loads(out.stdout)
    assert document["version"] == 1
    first, second = document["images"]
    assert list(first) == ["path", "source", "prompt", "negative", "settings"]
    assert (first["source"], first["prompt"], first["settings"]["Seed"]) == (
        "a1111", "1girl, blue hair", "7",
    )  # fmt: skip
    assert (second["source"], second["negative"]) == ("invokeai", "blurry")


def test_one_bad_image_does_not_end_the_others(run, image, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    out = run("inspect", bad, image)
    assert out.returncode == 2
    assert TEXT in out.stdout
    assert "bad.png" in out.stderr
    assert "Traceback" not in out.stderr


def test_a_job_file_that_renders_the_image_again(run, image, tmp_path):
    out = run("inspect", image, "--format", "job")
    assert out.returncode == 0
    assert yaml.safe_load(out.stdout) == {
        "version": 1,
        "prompts": [
            {
                "prompt": "1girl, blue hair",
                "negative": {"text": "lowres, 'x'", "complete": "none"},
                "model": "tiny", "size": "832x1216", "steps": 20, "cfg": 6.5,
                "sampler": "euler-a", "scheduler": "automatic", "rng": "nv", "seed": 7, "count": 1,
                "fix": "off", "expand": "off",
            }
        ],
    }  # fmt: skip
    assert "not carried over" not in out.stdout
    (request,) = requests_of(tmp_path, out.stdout)
    (original,) = read_source(image).requests
    nothing_more = Fields(styles=(), hires="off", detailer="off")
    assert request[0] == original.prompt
    assert merged(nothing_more, request[1]) == merged(*original.layers)


def test_the_same_plan_as_the_image_itself(run, image, tmp_path):
    (tmp_path / "again.yaml").write_text(
        run("inspect", image, "--format", "job").stdout, encoding="utf-8"
    )
    plans = [
        json.loads(run("render", path, "--dry-run", "--format", "json").stdout)["jobs"]
        for path in (image, tmp_path / "again.yaml")
    ]
    assert plans[0][0]["id"] == plans[1][0]["id"] is not None


@pytest.mark.parametrize(
    ("settings", "lost"),
    [
        ({"Sampler": "DPM fast"}, "Sampler: DPM fast"),
        ({"Sampler": "Euler a", "Schedule type": "Beta"}, "Sampler: Euler a, Schedule type: Beta"),
        ({"Denoising strength": "0.4"}, "Denoising strength: 0.4"),
        ({"Denoising strength": "0.4", "Hires upscale": "2", "Hires checkpoint": "x"},
         "Denoising strength: 0.4, Hires upscale: 2, Hires checkpoint: x"),
        ({"ADetailer model": "face_yolov8n.pt", "ADetailer restore face": "True"},
         "ADetailer model: face_yolov8n.pt, ADetailer restore face: True"),
        ({"Size": "833x100"}, "Size: 833x100"),
        ({"Steps": "many"}, "Steps: many"),
        ({"Model": "unheard of", "Model hash": "abc"}, "Model: unheard of"),
        ({"Seed": str(2**64 - 1)}, f"Seed: {2**64 - 1}"),
        ({"RNG": "dice"}, "RNG: dice"),
        ({"Lora weights": "ink: heavy"}, "Lora weights: ink: heavy"),
        ({"Odd": "a\nb\x07\u2028"}, "Odd: a b"),
    ],
)  # fmt: skip
def test_what_a_job_cannot_say_is_named(tmp_path, settings, lost):
    text = job_file([("a.png", Infotext("1girl", None, settings))])
    assert f"# not carried over: {lost}" in text
    assert len(requests_of(tmp_path, text)) == 1


def test_passes_and_networks_are_carried_over(tmp_path):
    settings = {
        "Sampler": "DPM++ 2M Karras", "Denoising strength": "0.4", "Hires upscale": "1.5",
        "Hires upscaler": "Lanczos", "ADetailer model": "face_yolov8n.pt",
        "ADetailer confidence": "0.5", "Lora weights": "ink: 0.8",
    }  # fmt: skip
    text = job_file([("a.png", Infotext("1girl", None, settings))])
    assert "not carried over" not in text
    [(_, fields)] = requests_of(tmp_path, text)
    assert (fields.sampler, fields.scheduler) == ("dpm++-2m", "karras")
    assert fields.hires == Hires(upscaler="Lanczos", scale=1.5, denoise=0.4, steps=0)
    assert fields.detailer == (DetailerEntry("face_yolov8n", denoise=0.4, confidence=0.5),)
    assert fields.loras == (LoraEntry("ink", 0.8),)


def test_nothing_is_said_of_what_decides_nothing():
    settings = {"Schedule type": "Automatic", "RNG": "GPU", "Version": "v1.9", "Model hash": "ab"}
    assert "not carried over" not in job_file([("a.png", Infotext("1girl", None, settings))])


_PROMPTS = st.text(st.characters(exclude_categories=["Cs"])).filter(
    lambda text: "Steps:" not in text and "Negative prompt:" not in text
)


@example([("a\x85b", "\u2028"), ("青\n\n: - #x", "'\"")], "a\nb")
@given(st.lists(st.tuples(_PROMPTS, st.none() | _PROMPTS), min_size=1, max_size=3), st.text())
def test_any_words_survive_the_job_file(tmp_path_factory, words, path):
    images = [(path, Infotext(prompt, negative, {"Seed": "7"})) for prompt, negative in words]
    requests = requests_of(tmp_path_factory.mktemp("job"), job_file(images))
    assert [(prompt, fields.negative.text) for prompt, fields in requests] == [
        (prompt, negative or "") for prompt, negative in words
    ]


def test_a_dead_end_prints_no_job(run, tmp_path):
    out = run("inspect", tmp_path / "missing.png", "--format", "job")
    assert (out.returncode, out.stdout) == (2, "")


def test_the_printed_text_reads_back(run, image):
    assert read_infotext(run("inspect", image).stdout) == read_infotext(TEXT)
