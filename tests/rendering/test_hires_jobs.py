"""Hires fix from the job file to the pictures, with the tiny model and the tiny upscaler."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("diffusers")
pytest.importorskip("spandrel")

from PIL import Image  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering import Means, Order, render, render_order  # noqa: E402
from tagkit.rendering.jobfile import parse_overrides  # noqa: E402

JOB = """\
model: tiny
defaults: {size: 64x96, steps: 2, seed: 5, count: 2, hires: HIRES}
prompts: ["1girl, blue hair"]
"""
TINY = "{upscaler: tiny-dat-x2, scale: 1.5, denoise: 0.5}"


@pytest.fixture
def job(tmp_path):
    """Writes a job file whose hires pass is what is said."""

    def write(hires):
        path = tmp_path / "jobs.yaml"
        path.write_text(JOB.replace("HIRES", hires), encoding="utf-8")
        return path

    return write


def pictures(folder):
    found = sorted(folder.glob("*.png"))
    return [np.asarray(Image.open(path)) for path in found]


def test_a_job_file_with_hires_becomes_larger_pictures(job, tmp_path):
    path = job(TINY)
    summary = render(path, tmp_path / "out")
    assert (summary.jobs.done, summary.jobs.failed) == (2, 0)
    assert [each.shape for each in pictures(tmp_path / "out")] == [(144, 96, 3)] * 2
    bases = tmp_path / "out" / ".tagkit" / "bases"
    assert [each.shape for each in pictures(bases)] == [(96, 64, 3)] * 2
    assert render(path, tmp_path / "out").rendered == 0


def test_pictures_do_not_depend_on_the_batch(job, tmp_path):
    render(job(TINY), tmp_path / "one", means=Means(batch_size=1))
    render(job(TINY), tmp_path / "two", means=Means(batch_size=2))
    pairs = zip(pictures(tmp_path / "one"), pictures(tmp_path / "two"), strict=True)
    assert all(np.abs(one.astype(int) - two.astype(int)).max() <= 3 for one, two in pairs)


def test_a_picked_draft_becomes_what_hires_would_have_made_of_it(job, tmp_path):
    drafts, whole = tmp_path / "drafts", tmp_path / "whole"
    render(job("off"), drafts)
    picks = tmp_path / "picks.txt"
    picks.write_text(sorted(drafts.glob("*.png"))[1].name)
    order = Order((drafts,), parse_overrides([f"hires={TINY}"]), picks=picks)
    before = {path.name: path.read_bytes() for path in drafts.glob("*.png")}
    assert render_order(order, drafts).rendered == 1
    [larger] = [each for each in pictures(drafts) if each.shape == (144, 96, 3)]
    assert before.items() <= {path.name: path.read_bytes() for path in drafts.glob("*.png")}.items()
    render(job(TINY), whole)
    assert np.abs(larger.astype(int) - pictures(whole)[1].astype(int)).max() <= 3


def test_a_picked_draft_that_is_gone_fails_by_name(job, tmp_path):
    drafts = tmp_path / "drafts"
    render(job("off"), drafts)
    gone = sorted(drafts.glob("*.png"))[0]
    picks = tmp_path / "picks.txt"
    picks.write_text(gone.name)
    gone.unlink()
    heard = []
    order = Order((drafts,), parse_overrides(["hires=card"]), picks=picks)
    summary = render_order(order, drafts, watch=heard.append)
    assert summary.jobs.failed == 1
    assert "not there" in heard[-1].error


def test_a_file_that_is_no_upscaler_is_named_before_the_first_picture(job, tmp_path):
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"no weights at all")
    with pytest.raises(UserError, match="broken"):
        render(job(f"{{upscaler: {broken}}}"), tmp_path / "out")
    assert not pictures(tmp_path / "out")


@pytest.mark.parametrize("upscaler", ["lanczos", "latent", "Latent (bicubic antialiased)"])
def test_upscalers_that_need_no_file(job, tmp_path, upscaler):
    render(
        job(f'{{upscaler: "{upscaler}", size: 96x96, denoise: 0.6, steps: 1}}'), tmp_path / "out"
    )
    assert [each.shape for each in pictures(tmp_path / "out")] == [(96, 96, 3)] * 2
