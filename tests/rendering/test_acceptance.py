"""What a batch renderer has to stand, and where each of it is tested.

 1. noise levels are k-diffusion's                      test_schedules.py
 2. hires fix evaluates exactly its steps                test_schedules.py, test_hires.py
 3. a picture does not depend on its batch               test_pipeline.py, test_sampling.py
 4. kill -9 in mid batch: nothing lost, nothing twice    test_faults.py, benchmarks/kills.py
 5. a poison job is set aside, the rest is done          test_faults.py
 6. out of memory halves the batch, not the picture      here
 7. A1111's text round trip, hires and ADetailer keys    test_saving.py, test_recorded.py
 8. a whole run opens no socket                          here
 9. pickles are refused                                  test_weights.py, test_resolving.py, here
10. a gallery of 2,000 pictures                          test_gallery.py
11. [SEP], [SKIP], [PROMPT]                              test_detailing.py
12. tiles leave no seam                                  test_upscaling.py
"""

from __future__ import annotations

import pickle
import socket

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("diffusers")

import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch.nn.modules.module import register_module_forward_pre_hook  # noqa: E402

from tagkit.commands import run as command  # noqa: E402
from tagkit.rendering import Means, Order, render_order  # noqa: E402
from tagkit.rendering.events import Smaller  # noqa: E402
from tagkit.rendering.manifest import open_manifest  # noqa: E402

JOB = """\
version: 1
model: tiny
defaults: {{size: 64x64, steps: 2, seed: 5, count: {count}{more}}}
prompts: ["1girl, blue hair", "1girl, red hair, halo"]
"""


@pytest.fixture
def job(tmp_path):
    def write(count=1, more=""):
        path = tmp_path / "jobs.yaml"
        path.write_text(JOB.format(count=count, more=more), encoding="utf-8")
        return path

    return write


@pytest.fixture
def unet_hook():
    """Calls a function with the size of every batch that a UNet is given."""
    handles = []

    def hook(function):
        def before(module, args):
            if type(module).__name__ == "UNet2DConditionModel":
                return function(args)
            return None

        handles.append(register_module_forward_pre_hook(before))

    yield hook
    for handle in handles:
        handle.remove()


def pictures(folder):
    return {path.name: np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))}


def test_memory_that_runs_out_halves_the_batch_and_leaves_the_pictures(job, tmp_path, unet_hook):
    order, heard, sizes = Order((job(4),)), [], []
    means = Means("cpu", batch_size=8)
    render_order(order, tmp_path / "ample", means)

    def short(args):
        sizes.append(len(args[0]))
        if len(args[0]) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    unet_hook(short)
    summary = render_order(order, tmp_path / "short", means, watch=heard.append)
    assert (summary.jobs.done, summary.jobs.failed) == (8, 0)
    assert [event.size for event in heard if isinstance(event, Smaller)] == [4, 2]
    # A prompt and its negative: a batch of two pictures is four to the UNet.
    assert sizes == [16, 8, *[4] * 8]  # two steps for each of four batches
    ample, less = pictures(tmp_path / "ample"), pictures(tmp_path / "short")
    assert ample.keys() == less.keys()
    for name, picture in ample.items():
        assert np.abs(picture.astype(int) - less[name].astype(int)).max() <= 3


def test_a_picture_that_becomes_no_number_fails_alone(job, tmp_path, unet_hook):
    def spoil(args):
        if not args[0].isnan().any():
            # The positive half of the second picture of three.
            args[0][len(args[0]) // 2 + 1] = float("nan")
        return args

    unet_hook(spoil)
    out = tmp_path / "out"
    order = Order((job(3),))
    summary = render_order(order, out, Means("cpu", batch_size=3))
    assert (summary.jobs.done, summary.jobs.failed) == (4, 2)
    with open_manifest(out) as manifest:
        errors = {row.error for row in manifest.rows() if row.state == "failed"}
    assert len(errors) == 1
    assert "no finite numbers" in errors.pop()
    assert len(pictures(out)) == 4


def test_a_whole_run_opens_no_socket(job, tmp_path, monkeypatch, capsys):
    def refuse(*args, **kwargs):
        raise AssertionError(f"a socket was opened: {args}")

    for name in ("socket", "create_connection", "getaddrinfo", "socketpair"):
        monkeypatch.setattr(socket, name, refuse)
    more = (
        ", hires: {upscaler: tiny-dat-x2, scale: 2, denoise: 0.5, steps: 1}"
        ", detailer: [{detector: tiny-face, denoise: 0.3, confidence: 0.01, top_k: 1}]"
    )
    out = tmp_path / "out"
    assert command(["render", str(job(1, more)), "-o", str(out)]) == 0, capsys.readouterr().err
    assert [picture.shape for picture in pictures(out).values()] == [(128, 128, 3)] * 2


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("evil.ckpt", ""),
        ("evil.pt", ", loras: [{name: PLACE}]"),
        ("evil.pt", ", vae: PLACE"),
        ("evil.pt", ", detailer: [{detector: PLACE}]"),
        ("evil.pth", ", hires: {upscaler: PLACE}"),
    ],
)
def test_no_pickle_is_run(job, tmp_path, capsys, name, more):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / name
    path.write_bytes(pickle.dumps(Evil()))
    options = [] if more else ["--checkpoint", str(path)]
    out = tmp_path / "out"
    file = job(1, more.replace("PLACE", str(path)))
    assert command(["render", str(file), "-o", str(out), *options]) == 2
    told = capsys.readouterr().err
    assert str(path) in told
    assert "Traceback" not in told
    assert not (tmp_path / "ran").exists()
    assert not pictures(out)
