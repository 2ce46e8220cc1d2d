"""`tagkit render`, `tagkit status` and `tagkit inspect`, end to end with the tiny model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import NamedTuple

import pytest

pytest.importorskip("diffusers")

from PIL import Image, ImageChops

import tagkit
from tagkit.commands import run as run_command
from tagkit.rendering.manifest import open_manifest

JOB = """\
version: 1
model: tiny
defaults: {size: 64x64, steps: 3, seed: 11}
prompts:
  - "smile, 1girl, smile"
  - {prompt: "1girl, red hair, halo", seed: 40, cfg: 5}
  - "[cat:dog:0.5] AND sky, (cloud:1.3)"
"""


@pytest.fixture
def job(tmp_path):
    path = tmp_path / "jobs.yaml"
    path.write_text(JOB, encoding="utf-8")
    return path


class Outcome(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def call(capsys, cache):
    """Runs `tagkit ARGS...` in this process, which has torch loaded already."""

    def run_here(*args):
        capsys.readouterr()
        status = run_command([str(arg) for arg in args])
        return Outcome(status, *capsys.readouterr())

    return run_here


@pytest.fixture
def begin():
    """Starts `tagkit render` and does not wait for it."""

    def start(*args):
        return subprocess.Popen(
            [sys.executable, "-m", "tagkit", "render", *map(str, args)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )

    return start


def pictures(folder):
    return sorted(path.name for path in folder.glob("*.png"))


def status(call, folder):
    return json.loads(call("status", folder, "--format", "json").stdout)


def test_a_folder_beside_the_job_file(run, call, job, tmp_path):
    out = run("render", job)
    assert out.returncode == 0, out.stderr
    folder = tmp_path / "jobs"
    assert pictures(folder) == ["00000-11.png", "00001-40.png", "00002-11.png"]
    assert "1 of 3 prompts changed" in out.stderr
    assert "3 of 3 done" in out.stdout
    info = tagkit.read_image(folder / "00000-11.png")
    assert info.prompt == "1girl, smile"
    assert info.settings["RNG"] == "CPU"
    assert (folder / "index.html").is_file()
    with open_manifest(folder) as manifest:
        assert manifest.rows()[0].job.original == "smile, 1girl, smile"

    again = call("render", folder / "00001-40.png", "-o", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    one, other = (folder / "00001-40.png", tmp_path / "again" / "00000-40.png")
    assert one.read_bytes() == other.read_bytes()

    picks = call("inspect", one, folder / "nothing.png", "--format", "json")
    assert picks.returncode == 2
    [image] = json.loads(picks.stdout)["images"]
    assert (image["path"], image["source"]) == (str(one), "a1111")
    assert image["settings"]["Seed"] == "40"
    assert call("inspect", one).stdout.startswith("1girl, red hair, halo\nNegative prompt: ")


def test_the_same_file_keeps_its_plan_and_replan_renews_it(call, job, tmp_path):
    job.write_text(JOB.replace("seed: 11", "seed: -1"), encoding="utf-8")
    out = tmp_path / "out"
    first = json.loads(call("render", job, "-o", out, "--format", "json").stdout)["runs"][0]
    assert (first["total"], first["done"], first["rendered"]) == (3, 3, 3)
    names = pictures(out)
    planned = json.loads(call("render", job, "-o", out, "--dry-run", "--format", "json").stdout)[
        "jobs"
    ]
    assert [each["file"] for each in planned] == names
    assert (
        json.loads(call("render", job, "-o", out, "--format", "json").stdout)["runs"][0]["rendered"]
        == 0
    )
    renewed = json.loads(call("render", job, "-o", out, "--replan", "--format", "json").stdout)
    assert renewed["runs"][0]["rendered"] == 2
    assert set(names) < set(pictures(out))
    assert len(pictures(out)) == 5


def test_limit_then_the_rest_then_everything_again(call, job, tmp_path):
    out = tmp_path / "out"
    assert call("render", job, "-o", out, "--limit", "1").returncode == 0
    assert status(call, out) == {"version": 1, "total": 3, "done": 1, "failed": 0, "pending": 2}
    (first,) = out.glob("*.png")
    stamp = first.stat().st_mtime_ns
    assert call("render", job, "-o", out).returncode == 0
    assert first.stat().st_mtime_ns == stamp
    assert call("render", job, "-o", out, "--no-resume").returncode == 0
    assert first.stat().st_mtime_ns != stamp
    assert len(pictures(out)) == 3


def test_killed_at_any_moment_it_goes_on(call, begin, job, tmp_path):
    job.write_text(JOB.replace("seed: 11", "seed: 11, count: 20"), encoding="utf-8")
    out = tmp_path / "out"
    stamps = {}
    for _ in range(2):
        process = begin(job, "-o", out, "--batch-size", "2")
        had = len(stamps)
        while process.poll() is None and len(pictures(out)) < had + 3:
            time.sleep(0.01)
        process.kill()
        process.wait()
        process.stderr.close()
        with open_manifest(out) as manifest:
            done = [row.job.file for row in manifest.rows() if row.state == "done"]
        assert all((out / name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())
        stamps = {name: (out / name).stat().st_mtime_ns for name in done}
    result = call("render", job, "-o", out)
    assert result.returncode == 0, result.stderr
    assert status(call, out) == {"version": 1, "total": 60, "done": 60, "failed": 0, "pending": 0}
    assert len(pictures(out)) == 60
    assert all((out / name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())
    assert all(tagkit.read_image(path).settings["Steps"] == "3" for path in out.glob("*.png"))


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_status_130_and_keeps_the_state(call, begin, job, tmp_path, number):
    job.write_text(JOB.replace("seed: 11", "seed: 11, count: 200"), encoding="utf-8")
    out = tmp_path / "out"
    process = begin(job, "-o", out)
    while not pictures(out):
        assert process.poll() is None
        time.sleep(0.01)
    second = call("render", job, "-o", out)
    assert second.returncode == 2
    assert str(process.pid) in second.stderr
    os.kill(process.pid, number)
    assert "Traceback" not in process.communicate()[1]
    assert process.returncode == 130
    with open_manifest(out) as manifest:
        assert {row.state for row in manifest.rows()} == {"done", "pending"}
        assert {row.attempts for row in manifest.rows()} == {0}
    assert (out / "index.html").is_file()


def test_what_cannot_be_rendered_is_status_2_before_anything_happens(call, job, tmp_path):
    out = tmp_path / "out"
    for options, words in (
        (["--model", "baxl-v3", "--set", "size=832x1216"], "baxl-v3.safetensors"),
        (["--checkpoint", "nope"], "nope"),
        (["--device", "toaster"], "toaster"),
        (["--batch-size", "none"], "--batch-size"),
        (["--set", "cgf=3"], "cfg"),
        (["--limit", "0"], "limit"),
    ):
        result = call("render", job, "-o", out, *options)
        assert result.returncode == 2, options
        assert words in result.stderr
        assert "Traceback" not in result.stderr
    assert not pictures(out)


def test_a_lora_that_cannot_be_loaded_stops_the_batch(call, job, tmp_path):
    job.write_text(JOB.replace("red hair", "<lora:style:0.8>"), encoding="utf-8")
    result = call("render", job, "-o", tmp_path / "out")
    assert result.returncode == 2
    assert "style" in result.stderr
    assert not (tmp_path / "out").exists()
    planned = call("render", job, "--dry-run", "--format", "json")
    assert planned.returncode == 0
    assert [each["id"] is None for each in json.loads(planned.stdout)["jobs"]] == [
        False,
        True,
        False,
    ]


def test_drafts_are_picked_and_made_larger(call, job, tmp_path):
    out, picks = tmp_path / "out", tmp_path / "picks.txt"
    assert call("render", job, "-o", out).returncode == 0
    drafts = {path: path.stat().st_mtime_ns for path in out.glob("*.png")}
    picks.write_text("# the best\n00001-40.png\n00002-11.png\n")
    larger = ("--set", "hires={upscaler: lanczos, scale: 2}", "--set", "hires.steps=2")
    unpicked = call("render", job, "--picks", picks)
    assert unpicked.returncode == 2
    assert "no output folder" in unpicked.stderr
    dry = call("render", out, "--picks", picks, *larger, "--dry-run", "--format", "json")
    planned = json.loads(dry.stdout)["jobs"]
    assert [(each["width"], each["hires"]["width"]) for each in planned] == [(64, 128)] * 2
    result = call("render", out, "--picks", picks, *larger)
    assert result.returncode == 0, result.stderr
    made = {out / "00001-40-2.png", out / "00002-11-2.png"}
    assert set(out.glob("*.png")) == {*drafts, *made}
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in drafts.items())
    again = json.loads(call("render", out, "--format", "json").stdout)["runs"][0]
    assert (again["total"], again["rendered"]) == (2, 0)
    assert call("render", job, "-o", tmp_path / "whole", *larger).returncode == 0
    for path in made:
        drawn_at_once = tmp_path / "whole" / path.name.replace("-2.png", ".png")
        with Image.open(path) as one, Image.open(drawn_at_once) as other:
            assert one.size == (128, 128)
            assert max(high for _, high in ImageChops.difference(one, other).getextrema()) <= 3


def test_several_files_and_one_that_is_wrong(call, job, tmp_path):
    (tmp_path / "other.txt").write_text("1girl, green hair\n")
    broken = tmp_path / "broken.yaml"
    broken.write_text("prompts: [")
    options = ("--model", "tiny", "--set", "size=64x64", "--set", "steps=2")
    result = call("render", broken, tmp_path / "other.txt", *options)
    assert result.returncode == 2
    assert "broken.yaml" in result.stderr
    assert len(pictures(tmp_path / "other")) == 1
    together = call("render", job, tmp_path / "other.txt", "-o", tmp_path / "out", *options)
    assert together.returncode == 0
    assert len(pictures(tmp_path / "out")) == 4


def test_failed_jobs_are_told_and_put_back(call, job, tmp_path):
    out = tmp_path / "out"
    assert call("render", job, "-o", out, "--limit", "1").returncode == 0
    with open_manifest(out) as manifest:
        rows = manifest.rows()
        manifest.failed(rows[1].job, "no luck")
    result = call("render", job, "-o", out)
    assert result.returncode == 1
    assert "--failed" in result.stderr
    told = call("status", out, "--failed")
    assert told.stdout == "2 of 3 done, 1 failed, 0 pending\n00001-40.png: no luck\n"
    assert call("status", out, "--retry").returncode == 0
    assert call("render", job, "-o", out).returncode == 0


def test_status_of_no_output_folder(call, tmp_path):
    result = call("status", tmp_path)
    assert result.returncode == 2
    assert str(tmp_path) in result.stderr


def test_a_dry_run_needs_no_torch_and_writes_nothing(call, job, tmp_path):
    code = (
        "import sys; from tagkit.__main__ import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(sorted({'torch', 'diffusers', 'PIL'} & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "render", str(job), "--dry-run", "--diff"]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    assert out.stderr.endswith("[]\n")
    assert "-smile, 1girl, smile" in out.stdout
    assert "+1girl, smile" in out.stdout
    assert "1 of 3 prompts changed" in out.stderr
    assert list(tmp_path.iterdir()) == [job]


def test_the_python_functions(job, tmp_path):
    jobs = tagkit.plan(job, overrides={"cfg": 4})
    assert [each.cfg for each in jobs] == [4, 4, 4]
    summary = tagkit.render(str(job), output=tmp_path / "out")
    assert (summary.jobs.done, summary.rendered) == (3, 3)
    with pytest.raises(tagkit.UserError, match="cfg"):
        tagkit.plan(job, overrides={"cfg": "x"})
    with pytest.raises(tagkit.UserError, match="size"):
        tagkit.plan(job, overrides={"size": "9x9"})


@pytest.mark.parametrize("command", ["render", "status", "inspect"])
def test_help_is_complete(call, command):
    text = call(command, "--help").stdout
    assert "Examples:" in text
    assert f"tagkit {command} " in text


def test_prompts_are_completed_where_the_file_says_so(call, job, tmp_path):
    job.write_text(JOB.replace("seed: 40,", "seed: 40, expand: {length: very-short},"))
    dry = call("render", job, "--dry-run", "--format", "json")
    assert dry.returncode == 0, dry.stderr
    prompts = [each["prompt"] for each in json.loads(dry.stdout)["jobs"]]
    assert prompts[0] == "1girl, smile"
    assert prompts[1].startswith("1girl, ")
    assert {"red hair", "halo"} <= set(prompts[1].split(", "))
    assert len(prompts[1].split(", ")) >= 8
    out = call("render", job, "-o", tmp_path / "out")
    assert out.returncode == 0, out.stderr
    assert tagkit.read_image(tmp_path / "out" / "00001-40.png").prompt == prompts[1]


def test_prompts_from_stdin_and_folders(run, tmp_path):
    (tmp_path / "tagkit.yaml").write_text("model: tiny\n", encoding="utf-8")
    out = run(
        "render", "-", "-o", "out", "--dry-run", stdin="1girl, smile\n1girl, hat\n", cwd=tmp_path
    )
    assert out.returncode == 0
    assert [line.split("  ")[-1] for line in out.stdout.splitlines()] == [
        "1girl, smile",
        "1girl, hat",
    ]
    assert "  tiny " in out.stdout
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "a.txt").write_text("1girl, smile\n", encoding="utf-8")
    (folder / "b.txt").write_text("1girl, hat\n", encoding="utf-8")
    out = run("render", folder, "--dry-run")
    assert len(out.stdout.splitlines()) == 2
    out = run("render", "-", "--dry-run", stdin="1girl\n")
    assert out.returncode == 2
    assert "-o" in out.stderr
