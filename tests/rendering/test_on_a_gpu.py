"""What only a CUDA device can show: it draws what a CPU draws, and its memory really runs out."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import tagkit
from tagkit.cards import Speed
from tagkit.rendering import Means

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

PROMPTS = ["1girl, solo, blue hair, white background", "1girl, solo, halo, beach"]
WHOLE = {"hires": {"scale": 1.5}, "detailer": [{"detector": "tiny-face", "confidence": 0.05}]}


def drawn(folder, device, dtype="float32", speed=None, **fields):
    """The pictures of two prompts, as numbers from 0 to 255."""
    folder.mkdir()
    jobs = folder / "jobs.json"
    prompts = [{"prompt": prompt, "seed": 7} for prompt in PROMPTS]
    defaults = {"steps": 12} | fields
    jobs.write_text(
        json.dumps({"version": 1, "model": "tiny", "defaults": defaults, "prompts": prompts})
    )
    means = Means(device, dtype, speed=speed or Speed())
    report = tagkit.render(jobs, output=folder / "out", means=means)
    assert (report.jobs.done, report.jobs.failed) == (2, 0)
    return [np.asarray(Image.open(file), float) for file in sorted((folder / "out").glob("*.png"))]


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_gpu_draws_what_a_cpu_draws(tmp_path, dtype):
    """The noise is the CPU's, so pictures differ by rounding alone."""
    expected = drawn(tmp_path / "cpu", "cpu", **WHOLE)
    found = drawn(tmp_path / "gpu", "cuda", dtype, **WHOLE)
    most = {"float32": 1.0, "float16": 4.0, "bfloat16": 16.0}[dtype]
    for one, other in zip(expected, found, strict=True):
        assert np.abs(one - other).mean() < most


def test_compiled_blocks_draw_the_same(tmp_path):
    """`speed.compile` on a device."""
    plain = drawn(tmp_path / "plain", "cuda")
    compiled = drawn(tmp_path / "compiled", "cuda", speed=Speed(compile=True))
    assert all(np.abs(a - b).mean() < 1 for a, b in zip(plain, compiled, strict=True))


def test_memory_that_runs_out_makes_batches_smaller(tmp_path):
    """A device that gives a fraction of its memory; every picture is finished all the same."""
    _, total = torch.cuda.mem_get_info()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(600 * 2**20 / total)
    try:
        jobs = tmp_path / "jobs.json"
        defaults = {"size": "512x512", "steps": 2, "count": 24}
        jobs.write_text(
            json.dumps({"version": 1, "model": "tiny", "defaults": defaults, "prompts": PROMPTS})
        )
        report = tagkit.render(jobs, output=tmp_path / "out", means=Means("cuda"))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert (report.jobs.done, report.jobs.failed) == (48, 0)
