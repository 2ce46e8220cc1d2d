from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest
from msgspec.structs import replace

np = pytest.importorskip("numpy")
pytest.importorskip("PIL")

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.lock import folder_lock  # noqa: E402
from tagkit.rendering.manifest import Counts, open_manifest  # noqa: E402
from tagkit.rendering.manifest_file import FOLDER  # noqa: E402
from tagkit.rendering.planning import Plan  # noqa: E402
from tagkit.rendering.saving import save_picture  # noqa: E402


@pytest.fixture
def jobs(make_job):
    return tuple(make_job(seed=seed, index=seed, file=f"{seed}.png") for seed in range(4))


@pytest.fixture
def manifest(tmp_path, jobs):
    """A manifest in `tmp_path` that has adopted a plan of four jobs."""
    with open_manifest(tmp_path, create=True) as opened:
        opened.adopt(Plan(jobs, (), "key"))
        yield opened


def finish(manifest, folder, job):
    (folder / job.file).write_bytes(b"picture")
    manifest.done(job)


def seeds(rows):
    return [row.job.seed for row in rows]


def test_a_plan_comes_back_as_it_was_frozen(manifest, jobs):
    assert manifest.plan("key") == jobs
    assert manifest.plan("another") is None
    assert manifest.counts() == Counts(total=4, done=0, failed=0, pending=4)


def test_a_job_goes_its_way(manifest, tmp_path, jobs):
    manifest.lease(jobs[:2])
    assert seeds(manifest.pending()) == [2, 3]
    finish(manifest, tmp_path, jobs[0])
    manifest.failed(jobs[1], "no luck")
    assert manifest.counts() == Counts(total=4, done=1, failed=1, pending=2)
    assert [row.error for row in manifest.rows()] == ["", "no luck", "", ""]
    assert seeds(manifest.pictures()) == [0]


def test_a_stopped_run_leaves_nothing_leased(manifest, jobs):
    manifest.lease(jobs)
    manifest.release()
    assert [row.attempts for row in manifest.pending()] == [0, 0, 0, 0]


def test_what_died_in_company_is_tried_again_last(manifest, jobs):
    manifest.lease(jobs[:2])
    assert manifest.recover() == []
    assert seeds(manifest.pending()) == [2, 3, 0, 1]
    assert [row.attempts for row in manifest.pending()] == [0, 0, 1, 1]


def test_a_job_that_was_seen_to_end_its_process_twice_is_set_aside(manifest, jobs):
    manifest.lease(jobs[:2])
    assert [row.state for row in manifest.died(jobs[:2], "signal 11")] == ["pending"] * 2
    manifest.lease(jobs[:1])
    [row] = manifest.died(jobs[:1], "signal 11")
    assert (row.state, row.error) == ("failed", "it ended its process twice: signal 11")
    assert seeds(manifest.pending()) == [2, 3, 1]


def test_stops_from_outside_are_no_fault_of_a_job_until_they_are_many(manifest, jobs):
    for _ in range(4):
        manifest.lease(jobs[:1])
        assert manifest.recover() == []
    manifest.lease(jobs[:1])
    assert seeds(manifest.recover()) == [0]
    assert manifest.rows()[0].error == "it ended its process 5 times"


def test_what_was_written_before_the_end_is_done(manifest, tmp_path, jobs):
    manifest.lease(jobs[:2])
    (tmp_path / jobs[0].file).write_bytes(b"picture")
    (tmp_path / ".1.png.123.tmp").write_bytes(b"half of one")
    (tmp_path / ".mine.tmp").write_bytes(b"the user's own")
    manifest.recover()
    assert manifest.counts() == Counts(total=4, done=1, failed=0, pending=3)
    assert sorted(path.name for path in tmp_path.glob("*.tmp")) == [".mine.tmp"]


def test_company_is_never_set_aside(manifest, jobs):
    for _ in range(5):
        manifest.lease(jobs[:2])
        assert manifest.recover() == []


def test_a_deleted_picture_is_pending_again(manifest, tmp_path, jobs):
    for job in jobs:
        finish(manifest, tmp_path, job)
    (tmp_path / "2.png").unlink()
    assert manifest.counts() == Counts(total=4, done=3, failed=0, pending=1)
    manifest.recover()
    assert seeds(manifest.pending()) == [2]


def test_failed_jobs_are_put_back(manifest, jobs):
    manifest.failed(jobs[1], "no luck")
    assert manifest.retry() == 1
    assert manifest.counts().pending == 4
    assert manifest.retry() == 0


def test_refused_jobs_fail_and_are_not_put_back(manifest, jobs, make_job):
    refused = make_job(seed=9, refused="not this")
    manifest.adopt(Plan((refused,), (), "other"))
    assert manifest.counts() == Counts(total=1, done=0, failed=1, pending=0)
    assert "not this" in manifest.rows()[0].error
    assert manifest.retry() == 0
    manifest.forget()
    assert manifest.counts().failed == 1


def test_everything_can_be_rendered_again(manifest, tmp_path, jobs):
    finish(manifest, tmp_path, jobs[0])
    manifest.forget()
    assert seeds(manifest.pending()) == [0, 1, 2, 3]


def test_another_plan_keeps_the_pictures_it_shares(manifest, tmp_path, jobs, make_job):
    for job in jobs[:2]:
        finish(manifest, tmp_path, job)
    new = make_job(seed=7, index=1, file="1.png")
    manifest.adopt(Plan((jobs[1], new), (), "next"))
    assert manifest.plan("key") is None
    assert manifest.counts() == Counts(total=2, done=1, failed=0, pending=1)
    assert [row.job.file for row in manifest.rows()] == ["1.png", "1-2.png"]
    assert seeds(manifest.pictures()) == [1, 0]
    manifest.adopt(Plan(jobs, (), "key"))
    assert manifest.counts() == Counts(total=4, done=2, failed=0, pending=2)


def test_names_that_others_have_are_not_taken(tmp_path, jobs, make_job):
    (tmp_path / "0.PNG").write_bytes(b"the user's own")
    with open_manifest(tmp_path, create=True) as manifest:
        twin = make_job(seed=50, file="1.png")
        manifest.adopt(Plan((*jobs, twin), (), "key"))
        files = [row.job.file for row in manifest.rows()]
    assert sorted(files) == ["0-2.png", "1-2.png", "1.png", "2.png", "3.png"]


def test_it_outlives_its_process(tmp_path, manifest, jobs):
    manifest.lease(jobs[:1])
    with open_manifest(tmp_path) as other:
        assert seeds(other.pending()) == [1, 2, 3]
        assert other.recover() == []
        assert other.pending()[-1].attempts == 1


def test_a_folder_without_a_manifest(tmp_path):
    with pytest.raises(UserError, match="no output folder"), open_manifest(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_damaged_manifest(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "manifest.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(UserError, match="cannot be read"), open_manifest(tmp_path):
        pass


def adopt_again(folder, jobs):
    with open_manifest(folder) as manifest:
        manifest.rows()
        manifest.adopt(Plan(jobs, (), "key"))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_manifest_that_is_damaged_further_down(tmp_path, make_job, share):
    jobs = tuple(make_job(seed=seed, index=seed, file=f"{seed}.png") for seed in range(200))
    with open_manifest(tmp_path, create=True) as manifest:
        manifest.adopt(Plan(jobs, (), "key"))
    path = tmp_path / FOLDER / "manifest.sqlite"
    content = bytearray(path.read_bytes())
    start = int(len(content) * share)
    content[start : start + 8192] = b"\xa5" * 8192
    path.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read") as caught:
        adopt_again(tmp_path, jobs)
    assert "move it away" in caught.value.hint


def test_the_journal_of_a_manifest_that_was_moved_away_is_not_taken_up(tmp_path, jobs):
    folder = tmp_path / FOLDER
    with open_manifest(tmp_path, create=True) as manifest:
        manifest.adopt(Plan(jobs, (), "key"))
        journal = (folder / "manifest.sqlite-wal").read_bytes()
        assert journal
    (folder / "manifest.sqlite").unlink()
    (folder / "manifest.sqlite-wal").write_bytes(journal)
    with open_manifest(tmp_path, create=True) as manifest:
        assert manifest.rows() == []
        manifest.adopt(Plan(jobs[:2], (), "key"))
        assert manifest.counts().total == 2


def test_a_full_disk_is_told_as_such(tmp_path, manifest):
    with pytest.raises(UserError, match="disk is full"), open_manifest(tmp_path):
        raise sqlite3.OperationalError("database or disk is full")


def test_a_lost_manifest_is_made_up_for_by_what_pictures_carry(tmp_path, jobs):
    twin = replace(jobs[1], id="another", seed=50, file=jobs[0].file)
    changed = replace(jobs[2], id="changed", cfg=9.0)
    for job, file in ((jobs[0], "0.png"), (twin, "0-2.png"), (jobs[2], "2.png")):
        save_picture(np.zeros((8, 8, 3), np.uint8), replace(job, file=file), tmp_path)
    with open_manifest(tmp_path, create=True) as manifest:
        manifest.adopt(Plan((jobs[0], twin, changed, jobs[3]), (), "key"))
        rows = [(row.job.file, row.state) for row in manifest.rows()]
    assert rows == [
        ("0.png", "done"),
        ("0-2.png", "done"),
        ("2-2.png", "pending"),
        ("3.png", "pending"),
    ]


def test_a_folder_has_one_process(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from tagkit.rendering.lock import folder_lock\n"
        "with folder_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError) as caught, folder_lock(tmp_path):
            pass
        assert str(holder.pid) in caught.value.where
        holder.kill()
        holder.wait()
    with folder_lock(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())
