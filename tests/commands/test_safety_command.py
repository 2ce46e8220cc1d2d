"""The safety rule as users meet it: lint, expand and render."""

from __future__ import annotations

import json

import pytest

UNSAFE = "1girl, child, nude"


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "p.txt"
    path.write_text(f"# tagkit: allow SAF101\n{UNSAFE}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "options",
    [(), ("--exit-zero",), ("--ignore", "SAF"), ("--select", "DUP", "--exit-zero"), ("--fix",)],
)
def test_lint_exits_with_1_whatever_is_asked_for(run, prompts, options):
    out = run("lint", prompts, *options)
    assert out.returncode == 1
    assert "SAF101" in out.stdout


def test_lint_exits_with_0_for_anything_else(run, prompts):
    prompts.write_text("1girl, 1girl\n", encoding="utf-8")
    assert run("lint", prompts, "--exit-zero").returncode == 0


def test_expand_refuses_the_only_input(run):
    pytest.importorskip("torch")
    out = run("expand", UNSAFE, "--tag-model", "tiny", "--device", "cpu")
    assert out.returncode == 2
    assert out.stdout == ""
    assert "SAF101" in out.stderr


def test_render_plans_the_rest(run, tmp_path):
    (tmp_path / "tagkit.yaml").write_text("ignore: [SAF]\n", encoding="utf-8")
    job = tmp_path / "jobs.yaml"
    defaults = "{size: 64x64, steps: 2, seed: 1, fix: off}"
    job.write_text(
        f'version: 1\nmodel: tiny\ndefaults: {defaults}\nprompts: ["{UNSAFE}", "1girl"]\n',
        encoding="utf-8",
    )
    out = run("render", job, "--dry-run", "--format", "json")
    codes = [each["diagnostics"] for each in json.loads(out.stdout)["jobs"]]
    assert ["SAF101" in each for each in codes] == [True, False]


def test_render_records_it_as_refused_and_renders_the_rest(run, tmp_path):
    pytest.importorskip("diffusers")
    job = tmp_path / "jobs.yaml"
    job.write_text(
        "version: 1\nmodel: tiny\ndefaults: {size: 64x64, steps: 2, seed: 1}\n"
        f'prompts: ["{UNSAFE}", "1girl"]\n',
        encoding="utf-8",
    )
    out = run("render", job, "--device", "cpu")
    assert out.returncode == 1
    state = json.loads(run("status", tmp_path / "jobs", "--format", "json").stdout)
    assert (state["done"], state["failed"]) == (1, 1)
