"""Output folders as input: going on with a plan, and drafts that are picked and made larger."""

from __future__ import annotations

import random

import pytest

from tagkit.errors import UserError
from tagkit.rendering.job import first_pass, recipe
from tagkit.rendering.jobfile import parse_overrides
from tagkit.rendering.manifest import open_manifest
from tagkit.rendering.session import Order, planned

JOB = """\
model: tiny
defaults: {size: 64x64, seed: 3, count: 2, variants: all, fix: unsafe}
prompts: ["smile, {hat|cap}, 1girl", {prompt: "1girl, halo", loras: [{name: LORA}]}]
"""
HIRES = ["hires={upscaler: lanczos, scale: 2}", "hires.denoise=0.4"]


@pytest.fixture
def output(tmp_path):
    """An output folder with the frozen plan of a job file; nothing is rendered."""
    header = b'{"lora_unet_out_0.lora_down.weight": {"shape": [0], "data_offsets": [0, 0]}}'
    (tmp_path / "ink.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    job = tmp_path / "jobs.yaml"
    job.write_text(JOB.replace("LORA", str(tmp_path / "ink.safetensors")))
    folder = tmp_path / "out"
    with open_manifest(folder, create=True) as manifest:
        manifest.adopt(planned(Order((job,)), folder, random=random.Random(0)))
    return folder


def rows(output):
    with open_manifest(output) as manifest:
        return [row.job for row in manifest.rows()]


@pytest.fixture
def go_on(output, tmp_path):
    """The plan for the folder with these picks and overrides."""

    def plan(picks=None, overrides=(), to=output):
        file = tmp_path / "picks.txt" if picks is not None else None
        if file:
            file.write_text("".join(f"{line}\n" for line in picks), encoding="utf-8")
        return planned(Order((output,), parse_overrides(overrides), picks=file), to)

    return plan


def test_a_folder_is_its_own_plan(output, go_on):
    assert list(go_on().jobs) == rows(output)
    with open_manifest(output) as manifest:
        assert go_on().key == manifest.key()


def test_speed_is_no_other_plan(output, go_on):
    assert list(go_on(overrides=["speed.compile=true"]).jobs) == rows(output)


def test_picks_go_on_from_their_pictures(output, go_on):
    before = rows(output)
    chosen = [before[4], before[1]]
    lines = ["# a comment", before[4].file, "", before[1].id, before[1].file]
    found = go_on(lines, HIRES).jobs
    assert [(job.prompt, job.seed, job.base) for job in found] == [
        (job.prompt, job.seed, job.id) for job in chosen
    ]
    for job, old in zip(found, chosen, strict=True):
        assert recipe(first_pass(job)) == recipe(first_pass(old))
        assert (job.hires.width, job.hires.height, job.hires.denoise) == (128, 128, 0.4)
        assert job.id not in {None, old.id}
        assert job.file == old.file
    assert found[0].loras == chosen[0].loras
    assert len(found[0].loras) == 1


def test_what_changes_the_first_pass_does_not_go_on_from_it(output, go_on):
    [job] = go_on([rows(output)[0].file], [*HIRES, "cfg=3"]).jobs
    assert (job.base, job.cfg) == ("", 3)


def test_into_another_folder_the_first_pass_is_drawn_anew(output, go_on, tmp_path):
    [job] = go_on([rows(output)[0].file], HIRES, to=tmp_path / "other").jobs
    assert job.base == ""
    assert job.id


def test_without_picks_all_of_the_plan_are_taken(output, go_on):
    found = go_on(overrides=HIRES).jobs
    assert [job.base for job in found] == [job.id for job in rows(output)]


def test_picked_again_with_the_same_settings_they_are_the_same_jobs(output, go_on):
    files = [rows(output)[0].file]
    once = go_on(files, HIRES)
    with open_manifest(output, create=True) as manifest:
        manifest.adopt(once)
    for again in (go_on(files, HIRES), go_on(overrides=HIRES)):
        assert [job.id for job in again.jobs] == [job.id for job in once.jobs]
    stronger = go_on(overrides=["hires.denoise=0.6"]).jobs
    assert [job.base for job in stronger] == [job.base for job in once.jobs]
    assert [job.hires.denoise for job in stronger] == [0.6]


def test_a_pick_that_is_no_picture(output, go_on, tmp_path):
    with pytest.raises(UserError, match="`nope") as caught:
        go_on(["nope.png"])
    assert "picks.txt" in caught.value.where
    with pytest.raises(UserError, match="names no picture"):
        go_on(["# nothing"])
    with pytest.raises(UserError, match="no output folder"):
        planned(Order((tmp_path / "jobs.yaml",), picks=tmp_path / "picks.txt"))
