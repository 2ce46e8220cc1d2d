from __future__ import annotations

import os

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
pytest.importorskip("spandrel")

from msgspec.structs import replace  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.events import Done, Failed, Smaller  # noqa: E402
from tagkit.rendering.job import HiresPass  # noqa: E402
from tagkit.rendering.manifest import Counts, open_manifest  # noqa: E402
from tagkit.rendering.planning import Plan  # noqa: E402
from tagkit.rendering.running import Run, _batch_key  # noqa: E402
from tagkit.rendering.stopping import Stop  # noqa: E402
from tagkit.rendering.tools import Tools  # noqa: E402

LONG = ", ".join(["blue hair"] * 40)


class Model:
    """Stands for a loaded model. `most`: how many pictures fit; `bad`: seeds it cannot draw."""

    def __init__(self, most=99, bad=(), undecodable=(), pixels=10**9, stop_at=None):
        self.most_pixels = pixels
        self.most = most
        self.bad = bad
        self.undecodable = undecodable
        self.stop_at = stop_at
        self.batches = []

    def wear(self, job):
        """Everything fits."""

    def latents(self, jobs):
        self.batches.append([job.seed for job in jobs])
        if self.stop_at in self.batches[-1]:
            raise KeyboardInterrupt
        if len(jobs) > self.most:
            raise MemoryError("out of memory")
        for job in jobs:
            if job.seed in self.bad:
                raise RuntimeError(f"seed {job.seed} is cursed")
        return [job.seed for job in jobs]

    def picture(self, latent):
        if latent in self.undecodable:
            raise ValueError("no picture in it")
        return np.full((8, 8, 3), latent, np.uint8)


@pytest.fixture
def render(tmp_path, make_job):
    """Renders jobs with a model; gives the manifest's counts and what was heard."""

    def run(model, jobs, limit=None, **options):
        heard = []

        def opening(job):
            model.wear(job)
            return model

        with open_manifest(tmp_path, create=True) as manifest:
            manifest.adopt(Plan(tuple(jobs), (), "key"))
            manifest.recover()
            rows = manifest.pending()[:limit]
            tools = Tools(tmp_path, {}, torch.device("cpu"), manifest.picture)
            try:
                running = Run(manifest, tmp_path, opening, tools, heard.append, **options)
                running.render(rows)
            finally:
                run.rows = manifest.rows()
                run.counts = manifest.counts()
        return run.counts, heard

    return run


@pytest.fixture
def jobs(make_job):
    return [make_job(seed=seed, index=seed, file=f"{seed}.png") for seed in range(6)]


def test_all_are_rendered_in_batches(render, jobs, tmp_path):
    model = Model()
    counts, heard = render(model, jobs, batch_size=4)
    assert counts == Counts(6, 6, 0, 0)
    assert model.batches == [[0, 1, 2, 3], [4, 5]]
    assert [event.path for event in heard] == [tmp_path / f"{seed}.png" for seed in range(6)]
    assert all(isinstance(event, Done) for event in heard)
    assert not list(tmp_path.glob("*.tmp"))


def test_automatic_batches_follow_the_pictures_size(render, jobs):
    model = Model(pixels=64 * 64 * 3)
    render(model, jobs)
    assert [len(batch) for batch in model.batches] == [3, 3]


def test_jobs_share_a_batch_only_if_nothing_but_words_and_seed_differ(render, make_job):
    fields = [
        {}, {"cfg": 6.0}, {"steps": 4}, {"width": 128}, {"rng": "nv"}, {"prompt": LONG},
        {"sampler": "euler"}, {"scheduler": "karras"}, {"cfg_rescale": 0.5}, {"format": "webp"},
        {"prompt": "sky", "original": "sky,"},
    ]  # fmt: skip
    jobs = [
        make_job(seed=index, index=index, file=f"{index}.png", **each)
        for index, each in enumerate(fields)
    ]
    model = Model()
    counts, _ = render(model, jobs)
    assert counts.done == 11
    assert model.batches == [[0, 10], *([number] for number in range(1, 10))]


def test_jobs_share_a_batch_only_if_their_hires_passes_do(make_job):
    hires = HiresPass("lanczos", 96, 96, 0.5)
    same = [hires, replace(hires, prompt="sky"), replace(hires, negative="hat")]
    others = [None, replace(hires, denoise=0.4), replace(hires, prompt=LONG)]
    keys = [_batch_key(make_job(hires=each)) for each in (*same, *others)]
    keys.append(_batch_key(make_job(hires=hires, base="a")))
    assert len(set(keys[:3])) == 1
    assert len(set(keys[2:])) == 5
    assert _batch_key(make_job(hires=hires, base="b")) == keys[-1]


def test_jobs_of_one_model_come_together(render, make_job):
    fields = [("a", 5.0), ("b", 5.0), ("a", 6.0), ("b", 5.0)]
    jobs = [
        make_job(seed=index, index=index, file=f"{index}.png", model=model, cfg=cfg)
        for index, (model, cfg) in enumerate(fields)
    ]
    model = Model()
    render(model, jobs)
    assert model.batches == [[0], [2], [1, 3]]


def test_memory_that_runs_out_halves_the_batch_for_good(render, jobs):
    model = Model(most=2)
    counts, heard = render(model, jobs, batch_size=4)
    assert counts.done == 6
    assert model.batches == [[0, 1, 2, 3], [0, 1], [2, 3], [4, 5]]
    assert [event.size for event in heard if isinstance(event, Smaller)] == [2]


def test_memory_that_does_not_hold_one_fails_the_job(render, jobs):
    counts, heard = render(Model(most=0), jobs[:2], batch_size=2)
    assert counts == Counts(2, 0, 2, 0)
    assert {event.error for event in heard if isinstance(event, Failed)} == {"out of memory"}


def test_a_bad_job_does_not_end_the_others(render, jobs):
    counts, heard = render(Model(bad=[2]), jobs, batch_size=4)
    assert counts == Counts(6, 5, 1, 0)
    [failed] = [event for event in heard if isinstance(event, Failed)]
    assert (failed.job.seed, failed.error) == (2, "seed 2 is cursed")


def test_a_latent_that_cannot_be_decoded_fails_alone(render, jobs):
    counts, _ = render(Model(undecodable=[1]), jobs)
    assert counts == Counts(6, 5, 1, 0)


def test_a_full_disk_ends_the_run_and_fails_nothing(render, jobs, monkeypatch):
    real, written = os.fsync, []

    def full(descriptor):
        written.append(descriptor)
        if len(written) > 2:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr("tagkit.rendering.saving.os.fsync", full)
    with pytest.raises(UserError, match="disk is full") as caught:
        render(Model(), jobs, batch_size=2)
    assert "make room" in caught.value.hint
    assert render.counts == Counts(6, 2, 0, 4)
    assert {row.state for row in render.rows} == {"done", "pending"}
    assert {row.attempts for row in render.rows} == {0}
    monkeypatch.undo()
    assert render(Model(), jobs)[0] == Counts(6, 6, 0, 0)


def test_a_name_that_cannot_be_written_fails_its_job_only(render, jobs, tmp_path):
    (tmp_path / "4.png").mkdir()
    assert render(Model(), jobs)[0] == Counts(6, 5, 1, 0)


def test_files_that_a_model_cannot_wear_fail_their_jobs_only(tmp_path, make_job, render):
    jobs = [
        make_job(seed=seed, index=seed, file=f"{seed}.png", cfg=seed + 1.0) for seed in range(3)
    ]

    class Picky(Model):
        def wear(self, job):
            if job.seed == 1:
                raise UserError("this LoRA is for another family")

    counts, heard = render(Picky(), jobs)
    assert counts == Counts(3, 2, 1, 0)
    assert [event.error for event in heard if isinstance(event, Failed)] == [
        "this LoRA is for another family"
    ]


def test_a_stop_finishes_what_is_being_drawn(render, jobs):
    stop = Stop()

    class Asking(Model):
        def latents(self, jobs):
            stop.ask()
            return super().latents(jobs)

    with pytest.raises(KeyboardInterrupt):
        render(Asking(), jobs, batch_size=2, stop=stop)
    assert render.counts == Counts(6, 2, 0, 4)


def test_asked_twice_it_stops_at_once(render, jobs):
    stop = Stop()

    class Insisting(Model):
        def latents(self, jobs):
            stop.ask()
            stop.ask()

    with pytest.raises(KeyboardInterrupt):
        render(Insisting(), jobs, batch_size=2, stop=stop)
    assert render.counts == Counts(6, 0, 0, 6)


def test_a_stop_keeps_what_is_done_and_leases_nothing(render, jobs):
    with pytest.raises(KeyboardInterrupt):
        render(Model(stop_at=4), jobs, batch_size=2)
    assert render.counts == Counts(6, 4, 0, 2)
    assert {row.state for row in render.rows} == {"done", "pending"}
    assert {row.attempts for row in render.rows} == {0}
    counts, heard = render(Model(), jobs, batch_size=2)
    assert counts.done == 6
    assert [event.job.seed for event in heard] == [4, 5]


def test_a_limit(render, jobs):
    assert render(Model(), jobs, limit=2)[0] == Counts(6, 2, 0, 4)
    assert render(Model(), jobs)[0] == Counts(6, 6, 0, 0)
