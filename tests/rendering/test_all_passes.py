"""The way from a job file to pictures with hires fix and detailers switched on.

What holds of first passes must hold of them: the recipe in each file, no dependence on the batch,
only what is missing is rendered again, and memory that runs out changes no picture.
"""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("spandrel")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from onnx_files import v8, write_onnx  # noqa: E402
from PIL import Image  # noqa: E402

import tagkit  # noqa: E402
from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering import Means, Order, render, render_order  # noqa: E402
from tagkit.rendering.events import Smaller  # noqa: E402
from tagkit.rendering.pipeline import Pipeline  # noqa: E402

JOB = """\
version: 1
model: tiny
defaults:
  {size: 64x64, steps: 3, cfg: 5, seed: 11, count: 2, hires: {scale: 1.5, denoise: 0.5, steps: 2},
   detailer: [{detector: faces, denoise: 0.6, padding: 8, prompt: "[PROMPT], wink [SEP] [SKIP]"},
              {detector: eyes, denoise: 0.5, padding: 4}]}
prompts:
  - "1girl, blue hair, smile"
  - {prompt: "1girl, red hair, halo", seed: 40}
"""


@pytest.fixture
def job(tmp_path):
    """A job file, and detectors that find the same places in every picture."""
    folder = tmp_path / "detectors"
    folder.mkdir()
    write_onnx(folder / "faces.onnx", v8((20, 20, 16, 16, 0.9), (44, 44, 12, 12, 0.8)))
    write_onnx(folder / "eyes.onnx", v8((18, 18, 6, 6, 0.7)))
    (tmp_path / "tagkit.yaml").write_text("detectors: [detectors]")
    path = tmp_path / "jobs.yaml"
    path.write_text(JOB, encoding="utf-8")
    return path


def files(folder):
    return sorted(folder.glob("*.png"))


def pictures(folder):
    return [np.asarray(Image.open(path)).astype(int) for path in files(folder)]


def differences(one, other):
    pairs = zip(pictures(one), pictures(other), strict=True)
    return [np.abs(a - b).max() for a, b in pairs]


def test_pictures_carry_their_recipe_and_do_not_depend_on_the_batch(job, tmp_path):
    for size in (1, 4):
        render(job, tmp_path / str(size), means=Means("cpu", batch_size=size))
    assert len(pictures(tmp_path / "1")) == 4
    assert {each.shape for each in pictures(tmp_path / "1")} == {(96, 96, 3)}
    assert max(differences(tmp_path / "1", tmp_path / "4")) <= 3
    info = tagkit.read_image(files(tmp_path / "1")[0])
    assert info.prompt == "1girl, blue hair, smile"
    said = {
        "Sampler": "Euler a", "Seed": "11", "Size": "64x64", "Hires steps": "2",
        "Denoising strength": "0.5", "ADetailer denoising strength": "0.6",
        "ADetailer prompt": "[PROMPT], wink [SEP] [SKIP]",
        "ADetailer denoising strength 2nd": "0.5",
    }  # fmt: skip
    assert said.items() <= info.settings.items()
    assert (tmp_path / "1" / "index.html").exists()


def test_every_pass_reaches_the_picture(job, tmp_path):
    render(job, tmp_path / "all", overrides={"count": 1})
    for name, change in {
        "no detailer": {"detailer": "off"},
        "one detailer": {"detailer": [{"detector": "eyes", "denoise": 0.5, "padding": 4}]},
        "other hires": {"hires": {"denoise": 0.7}},
    }.items():
        render(job, tmp_path / name, overrides={"count": 1, **change})
        assert min(differences(tmp_path / "all", tmp_path / name)) > 3, name


def test_started_again_it_renders_only_what_is_missing(job, tmp_path):
    out = tmp_path / "out"
    assert render(job, out).rendered == 4
    stamps = {path: path.stat().st_mtime_ns for path in files(out)}
    gone = files(out)[1]
    before = gone.read_bytes()
    gone.unlink()
    assert render(job, out).rendered == 1
    assert all(path.stat().st_mtime_ns == at for path, at in stamps.items() if path != gone)
    again = np.asarray(Image.open(gone)).astype(int)
    gone.write_bytes(before)
    assert np.abs(again - np.asarray(Image.open(gone))).max() <= 3


FIRST, SECOND = 64 * 64, 96 * 96


@pytest.mark.parametrize(
    ("most", "tried"),
    [
        ({FIRST: 2, SECOND: 9}, [(4, FIRST)]),
        ({FIRST: 9, SECOND: 1}, [(4, SECOND), (2, SECOND)]),
    ],
    ids=["first pass", "hires fix"],
)
def test_memory_that_runs_out_changes_no_picture(job, tmp_path, monkeypatch, most, tried):
    wait, seen, heard = Pipeline._sampled, [], []
    render(job, tmp_path / "whole", means=Means("cpu", batch_size=4))

    def tight(self, draw, count, pixels):
        def too_much():
            if count > most[pixels]:
                seen.append((count, pixels))
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            return draw()

        return wait(self, too_much, count, pixels)

    monkeypatch.setattr(Pipeline, "_sampled", tight)
    means = Means("cpu", batch_size=4)
    summary = render_order(Order((job,)), tmp_path / "tight", means, watch=heard.append)
    assert (summary.jobs.done, summary.jobs.failed) == (4, 0)
    assert seen == tried
    smaller = [each.size for each in heard if isinstance(each, Smaller)]
    assert smaller == ([2] if tried[0] == (4, FIRST) else [])
    assert max(differences(tmp_path / "whole", tmp_path / "tight")) <= 3


@pytest.mark.parametrize(
    ("file", "change"),
    [("eyes.onnx", {}), ("up.pth", {"hires": {"upscaler": "up"}})],
    ids=["detector", "upscaler"],
)
def test_a_file_that_is_none_is_named_before_the_first_picture(job, tmp_path, file, change):
    if file == "eyes.onnx":
        write_onnx(tmp_path / "detectors" / file, np.zeros((1, 1000), np.float32))
    else:
        (tmp_path / file).write_bytes(b"weights?")
        change = {"hires": {"upscaler": str(tmp_path / file)}}
    with pytest.raises(UserError, match=file):
        render(job, tmp_path / "out", overrides=change)
    assert not pictures(tmp_path / "out")
