"""What only a CUDA device can show: it draws what a CPU draws."""

from __future__ import annotations

import json

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from PIL import Image  # noqa: E402

import tagkit  # noqa: E402
from tagkit.rendering import Means  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

PROMPTS = ["1girl, solo, blue hair, white background", "1girl, solo, halo, beach"]
WHOLE = {"hires": {"scale": 1.5}, "detailer": [{"detector": "tiny-face", "confidence": 0.05}]}


def drawn(folder, device, dtype="float32"):
    """The pictures of two prompts, as numbers from 0 to 255."""
    folder.mkdir()
    jobs = folder / "jobs.json"
    prompts = [{"prompt": prompt, "seed": 7} for prompt in PROMPTS]
    defaults = {"steps": 12} | WHOLE
    jobs.write_text(
        json.dumps({"version": 1, "model": "tiny", "defaults": defaults, "prompts": prompts})
    )
    means = Means(device, dtype)
    report = tagkit.render(jobs, output=folder / "out", means=means)
    assert (report.jobs.done, report.jobs.failed) == (2, 0)
    return [np.asarray(Image.open(file), float) for file in sorted((folder / "out").glob("*.png"))]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_gpu_draws_what_a_cpu_draws(tmp_path, dtype):
    """The noise is the CPU's, so pictures differ by rounding alone."""
    expected = drawn(tmp_path / "cpu", "cpu")
    found = drawn(tmp_path / "gpu", "cuda", dtype)
    most = {"float32": 1.0, "float16": 4.0, "bfloat16": 16.0}[dtype]
    for one, other in zip(expected, found, strict=True):
        assert np.abs(one - other).mean() < most
