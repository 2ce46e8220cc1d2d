"""What can happen to a batch, happening: nothing is lost, done twice or half written."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest

pytest.importorskip("diffusers")

from PIL import Image, ImageChops

import tagkit
from tagkit.rendering.manifest import open_manifest

JOB = """\
version: 1
model: tiny
defaults: {{size: 64x64, steps: {steps}, seed: 11, count: {count}}}
prompts:
  - "1girl, smile"
  - "1girl, {other}"
"""
# Changes a function of a module as soon as it is imported, in every process of a run.
HOOK = """\
import importlib.abc, importlib.util, os, sys

class Hook(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "tagkit.rendering.passes":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module
        def changed(module):
            run(module)
            real = module.finished
            def finished(pipeline, jobs, tools):
                fault(pipeline, jobs)
                return real(pipeline, jobs, tools)
            module.finished = finished
        spec.loader.exec_module = changed
        return spec

sys.meta_path.insert(0, Hook())
"""
POISON = """
def fault(pipeline, jobs):
    if any("poison" in job.prompt for job in jobs):
        os._exit(77)
"""


@pytest.fixture
def job(tmp_path):
    def write(count=4, other="halo", steps=3):
        path = tmp_path / "jobs.yaml"
        path.write_text(JOB.format(count=count, other=other, steps=steps), encoding="utf-8")
        return path

    return write


@pytest.fixture
def hooked(tmp_path):
    """The environment in which every process meets the fault."""

    def environment(fault):
        folder = tmp_path / "hook"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HOOK + textwrap.dedent(fault), encoding="utf-8")
        paths = [str(folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    return environment


@pytest.fixture
def begin():
    """Starts `tagkit render` in a process group of its own and does not wait for it."""
    started = []

    def start(*args):
        command = [sys.executable, "-m", "tagkit", "render", *map(str, args)]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, start_new_session=True, **pipes))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def counts(folder):
    with open_manifest(folder) as manifest:
        return manifest.counts()


def rows(folder):
    with open_manifest(folder) as manifest:
        return manifest.rows()


def whole(folder):
    """Every picture of the folder, each read to its end."""
    pictures = sorted(folder.glob("*.png"))
    assert all(tagkit.read_image(path).settings["Steps"] for path in pictures)
    assert not list(folder.rglob("*.tmp"))
    return pictures


def test_a_job_that_ends_its_process_is_set_aside_at_the_second_time(run, job, hooked, tmp_path):
    out = tmp_path / "out"
    command = ("render", job(2, "poison"), "-o", out, "--batch-size", 2)
    environment = hooked(POISON)
    assert run(*command, **environment).returncode == 77
    again = run(*command, **environment)
    assert again.returncode == 1, again.stderr
    states = [(row.state, row.error) for row in rows(out)]
    assert states[:2] == [("done", "")] * 2
    assert states[2:] == [("failed", "it ended its process twice: exit status 77")] * 2
    assert len(whole(out)) == 2
    assert run("status", out, "--retry").returncode == 0
    healed = run(*command)
    assert healed.returncode == 0, healed.stderr
    assert counts(out).done == 4


def test_workers_outlive_a_job_that_ends_its_process(run, job, hooked, tmp_path):
    out = tmp_path / "out"
    result = run("render", job(3, "poison"), "-o", out, "--workers", 2, **hooked(POISON))
    assert result.returncode == 1, result.stderr
    assert [row.state for row in rows(out)] == ["done"] * 3 + ["failed"] * 3
    assert "twice: exit status 77" in result.stderr
    assert len(whole(out)) == 3


def test_workers_draw_the_same_pictures(run, job, tmp_path):
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        done = run("render", job(10), "-o", folder, "--workers", workers, "--batch-size", 1)
        assert done.returncode == 0, done.stderr
        assert f"{folder}: 20 of 20 done" in done.stdout
    names = [path.name for path in whole(tmp_path / "1")]
    assert [path.name for path in whole(tmp_path / "2")] == names
    for name in names:
        one, two = (Image.open(tmp_path / folder / name) for folder in ("1", "2"))
        # Workers share the cores, and sums over fewer threads round in another way.
        assert max(high for _, high in ImageChops.difference(one, two).getextrema()) <= 3


def test_workers_that_cannot_begin_say_why(run, job, hooked, tmp_path):
    fault = "if 'rendering.worker' in str(sys.orig_argv): os._exit(3)\n"
    out = tmp_path / "out"
    result = run("render", job(), "-o", out, "--workers", 2, **hooked(POISON + fault))
    assert result.returncode == 2
    assert "worker processes end before they draw anything: exit status 3" in result.stderr
    assert counts(out).pending == 8
    wrong = run("render", job(), "-o", out, "--workers", 2, "--device", "toaster")
    assert wrong.returncode == 2
    assert "toaster" in wrong.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")
def test_killed_at_random_moments_every_picture_is_made_once(run, begin, job, tmp_path):
    """The long form of this is benchmarks/kills.py."""
    out, draw, stamps = tmp_path / "out", random.Random(3), {}
    path = job(16)
    for workers in (1, 1, 2):
        process = begin(path, "-o", out, "--workers", workers, "--batch-size", 2)
        had = len(stamps)
        while process.poll() is None and len(list(out.glob("*.png"))) < had + 3:
            time.sleep(0.01)
        time.sleep(draw.random() / 5)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done = [row.job.file for row in rows(out) if row.state == "done"]
        assert all((out / name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())
        stamps = {name: (out / name).stat().st_mtime_ns for name in done}
    last = run("render", path, "-o", out)
    assert last.returncode == 0, last.stderr
    assert (counts(out).total, counts(out).done) == (32, 32)
    assert len(whole(out)) == 32
    assert all((out / name).stat().st_mtime_ns == stamp for name, stamp in stamps.items())


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_once_finishes_the_picture_and_twice_stops_now(begin, job, tmp_path, workers):
    path = job(6, steps=150)
    for times, out in ((1, tmp_path / "once"), (2, tmp_path / "twice")):
        process = begin(path, "-o", out, "--batch-size", 1, "--workers", workers)
        while not list(out.glob("*.png")):
            assert process.poll() is None
            time.sleep(0.01)
        had = {row.job.file for row in rows(out) if row.state == "leased"}
        for _ in range(times):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.05)
        told = process.communicate(timeout=120)[1]
        assert process.returncode == 130
        assert "Traceback" not in told
        assert "again stops at once" in told
        states = {row.job.file: row.state for row in rows(out)}
        assert set(states.values()) == {"done", "pending"}
        assert sorted(name for name in states if states[name] == "done") == [
            path.name for path in whole(out)
        ]
        assert {row.attempts for row in rows(out)} == {0}
        if times == 1:
            assert had
            assert {states[name] for name in had} == {"done"}
        assert (out / "index.html").is_file()


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(folder)]
    if not mount or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this user may not mount a disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk(run, job, small_disk, tmp_path, workers):
    out, path, filler = small_disk / "out", job(30), small_disk / "filler"
    assert run("render", path, "-o", out, "--limit", 2).returncode == 0
    filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 40_000))
    result = run("render", path, "-o", out, "--workers", workers)
    assert result.returncode == 2, result.stderr
    assert f"the disk is full: `{out}`" in result.stderr
    assert "make room" in result.stderr
    assert "Traceback" not in result.stderr
    assert counts(out).failed == 0
    assert 2 <= len(whole(out)) < 60
    filler.unlink()
    again = run("render", path, "-o", out)
    assert again.returncode == 0, again.stderr
    assert counts(out).done == 60
    assert len(whole(out)) == 60


def test_a_spoilt_manifest_is_an_error_and_its_pictures_are_found_again(run, job, tmp_path):
    out, path = tmp_path / "out", job(3)
    assert run("render", path, "-o", out).returncode == 0
    stamps = {picture: picture.stat().st_mtime_ns for picture in whole(out)}
    manifest = out / ".tagkit" / "manifest.sqlite"
    manifest.write_bytes(b"\0spoilt" * 2000)
    for command in (("render", path, "-o", out), ("status", out), ("render", out)):
        result = run(*command)
        assert result.returncode == 2
        assert str(manifest) in result.stderr
        assert "move it away" in result.stderr
        assert "Traceback" not in result.stderr
    manifest.rename(tmp_path / "spoilt")
    again = run("render", path, "-o", out)
    assert again.returncode == 0, again.stderr
    assert "(0 rendered" in again.stdout
    assert {picture: picture.stat().st_mtime_ns for picture in whole(out)} == stamps
