from __future__ import annotations

import msgspec
import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytest.importorskip("spandrel")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from PIL import Image  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.job import DetailerPass, HiresPass  # noqa: E402
from tagkit.rendering.passes import finished, in_parts  # noqa: E402
from tagkit.rendering.tools import Tools  # noqa: E402

HIRES = HiresPass("lanczos", 96, 96, 0.5)


@pytest.fixture
def tools(tmp_path):
    return Tools(tmp_path, {}, torch.device("cpu"), lambda job_id: tmp_path / f"{job_id}.png")


def drawn(tiny, jobs, tools):
    return [outcome for _, outcome in finished(tiny, jobs, tools)]


def test_a_job_without_later_passes_is_the_first_pass(tiny, make_job, tools, tmp_path):
    jobs = [make_job(seed=seed) for seed in (1, 2)]
    expected = [tiny.picture(latent) for latent in tiny.latents(jobs)]
    for found, picture in zip(drawn(tiny, jobs, tools), expected, strict=True):
        assert np.array_equal(found, picture)
    assert not [*tmp_path.rglob("*.png")]


def test_hires_pictures_have_their_size_and_leave_their_base(tiny, make_job, tools, tmp_path):
    job = make_job(hires=HIRES)
    [found] = drawn(tiny, [job], tools)
    assert found.shape == (96, 96, 3)
    [base] = drawn(tiny, [make_job()], tools)
    with Image.open(tmp_path / ".tagkit" / "bases" / f"{job.id}.png") as image:
        assert np.array_equal(np.asarray(image), base)


def test_a_picture_of_a_format_that_loses_leaves_its_base_too(tiny, make_job, tools, tmp_path):
    drawn(tiny, [make_job(format="jpeg")], tools)
    assert [*tmp_path.rglob("*.png")]


@pytest.mark.parametrize("draft", [{}, {"hires": HIRES}], ids=["plain", "hires"])
def test_going_on_from_a_stored_picture_is_as_drawing_it_again(
    tiny, make_job, tools, tmp_path, draft
):
    draft = make_job(**draft)
    [picture] = drawn(tiny, [draft], tools)
    Image.fromarray(picture).save(tmp_path / f"{draft.id}.png")
    hires = msgspec.structs.replace(HIRES, denoise=0.3)
    [whole] = drawn(tiny, [make_job(hires=hires)], tools)
    [after] = drawn(tiny, [make_job(hires=hires, base=draft.id)], tools)
    assert np.array_equal(whole, after)


def test_a_stored_picture_that_is_gone_or_another_is_an_error(tiny, make_job, tools, tmp_path):
    job = make_job(hires=HIRES, base="abc")
    [gone] = drawn(tiny, [job], tools)
    assert isinstance(gone, UserError)
    assert "abc" in str(gone)
    Image.new("RGB", (32, 32)).save(tmp_path / "abc.png")
    [other] = drawn(tiny, [job], tools)
    assert isinstance(other, UserError)
    assert "64x64" in other.where


def test_a_hires_picture_does_not_depend_on_its_batch(tiny, make_job, tools, monkeypatch):
    monkeypatch.setattr(tiny, "most_pixels", 96 * 96 * 2)
    jobs = [make_job(seed=seed, hires=HIRES) for seed in (1, 2, 3)]
    for job, found in zip(jobs, drawn(tiny, jobs, tools), strict=True):
        [alone] = drawn(tiny, [job], tools)
        assert np.abs(found.astype(int) - alone.astype(int)).max() <= 3


def test_too_little_memory_for_hires_halves_its_batch_alone(tiny, make_job, tools, monkeypatch):
    repainted, sizes = tiny.repainted, []

    def tight(latents, passes, mask=None):
        larger = latents.shape[-1] == 12
        sizes.append(len(passes)) if larger else None
        if larger and len(passes) > 1:
            raise MemoryError
        return repainted(latents, passes, mask)

    monkeypatch.setattr(tiny, "repainted", tight)
    monkeypatch.setattr(tiny, "most_pixels", 10**9)
    jobs = [make_job(seed=seed, hires=HIRES) for seed in (1, 2, 3, 4)]
    assert [found.shape for found in drawn(tiny, jobs, tools)] == [(96, 96, 3)] * 4
    assert sizes == [4, 2, 1, 1, 1, 1]


def test_one_job_that_fails_in_hires_does_not_end_the_others(tiny, make_job, tools, monkeypatch):
    repainted = tiny.repainted

    def choosy(latents, passes, mask=None):
        if latents.shape[-1] == 12 and any(each.seed == 2 for each in passes):
            raise RuntimeError("cursed")
        return repainted(latents, passes, mask)

    monkeypatch.setattr(tiny, "repainted", choosy)
    jobs = [make_job(seed=seed, hires=HIRES) for seed in (1, 2, 3)]
    one, two, three = drawn(tiny, jobs, tools)
    assert str(two) == "cursed"
    assert one.shape == three.shape == (96, 96, 3)


def test_a_picture_that_cannot_be_decoded_costs_the_others_nothing(
    tiny, make_job, tools, monkeypatch
):
    repainted, batches = tiny.repainted, []

    def broken(latents, passes, mask=None):
        found = repainted(latents, passes, mask).clone()
        batches.append(len(passes))
        found[[each.seed == 2 for each in passes]] = torch.nan
        return found

    monkeypatch.setattr(tiny, "repainted", broken)
    monkeypatch.setattr(tiny, "most_pixels", 10**9)
    jobs = [make_job(seed=seed, hires=HIRES) for seed in (1, 2, 3)]
    one, two, three = drawn(tiny, jobs, tools)
    assert isinstance(two, UserError)
    assert one.shape == three.shape == (96, 96, 3)
    assert batches == [3]


@given(st.lists(st.booleans()), st.integers(1, 9))
def test_parts_find_every_item_that_fails(fails, at_once):
    seen = []

    def work(items):
        seen.append(len(items))
        if any(items):
            raise ValueError
        return [*items]

    results = in_parts(work, fails, at_once)
    assert [isinstance(each, ValueError) for each in results] == fails
    assert max(seen, default=0) <= at_once


def detector_file(folder):
    """A detector that finds the middle of every picture."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from onnx_files import v8, write_onnx

    return write_onnx(folder / "face.onnx", v8((32, 32, 16, 16, 0.9)))


def test_the_detailer_goes_over_the_picture_of_the_passes_before(tiny, make_job, tmp_path):
    files = {"digest": detector_file(tmp_path)}
    tools = Tools(tmp_path, files, torch.device("cpu"), lambda _: None)
    face = DetailerPass("face", padding=4, denoise=0.7, digest="digest")
    [before] = drawn(tiny, [make_job(hires=HIRES)], tools)
    [after] = drawn(tiny, [make_job(hires=HIRES, detailer=(face,))], tools)
    changed = np.argwhere((before != after).any(axis=2))
    assert len(changed)
    assert changed.min() >= 24  # of 96: the box is from 36 to 60, dilated and blurred
    assert changed.max() < 76


def test_a_detector_that_is_none_fails_its_job_and_says_so(tiny, make_job, tmp_path):
    (tmp_path / "face.onnx").write_bytes(b"none")
    files = {"digest": tmp_path / "face.onnx"}
    pytest.importorskip("onnxruntime")
    tools = Tools(tmp_path, files, torch.device("cpu"), lambda _: None)
    [outcome] = drawn(tiny, [make_job(detailer=(DetailerPass("face", digest="digest"),))], tools)
    assert isinstance(outcome, UserError)
    assert "face.onnx" in str(outcome)
