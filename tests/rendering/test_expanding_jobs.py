"""Job files whose prompts are completed: what a plan holds is never drawn again."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

import tagkit
from tagkit.commands import run as run_command
from tagkit.data import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

pytest.importorskip("diffusers")

JOB = """\
version: 1
model: tiny
defaults: {{size: 64x64, steps: 2, seed: 5, count: 3}}
prompts:
  - prompt: "1girl, (halo:1.2)"
    expand: {{tag_model: "{model}", length: very-short, per: {per}}}
"""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], cache: Path) -> Callable[..., tuple[int, str]]:
    """Exit status and stdout of `tagkit ARGS...` in this process."""

    def run_here(*args: object) -> tuple[int, str]:
        capsys.readouterr()
        return run_command([str(arg) for arg in args]), capsys.readouterr().out

    return run_here


@pytest.fixture
def job(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """A job file with a tag model of its own, and that model's folder."""

    def write(per: str = "image") -> tuple[Path, Path]:
        model = tmp_path / "tag-model"
        shutil.copytree(data_folder("models") / "tiny" / "tag", model)
        file = tmp_path / "jobs.yaml"
        file.write_text(JOB.format(model=model, per=per), encoding="utf-8")
        return file, model

    return write


def prompts(out: str) -> list[str]:
    return [each["prompt"] for each in json.loads(out)["jobs"]]


@pytest.mark.parametrize(("per", "different"), [("image", 3), ("prompt", 1)])
def test_drawn_for_each_image_or_each_prompt(
    job: Callable[[str], tuple[Path, Path]],
    call: Callable[..., tuple[int, str]],
    per: str,
    different: int,
) -> None:
    status, out = call("render", job(per)[0], "--dry-run", "--format", "json", "--device", "cpu")
    assert status == 0
    found = prompts(out)
    assert (len(found), len(set(found))) == (3, different)
    assert all("(halo:1.2)" in prompt for prompt in found)


def test_a_batch_that_goes_on_draws_nothing_again(
    job: Callable[..., tuple[Path, Path]], call: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    file, model = job()
    start = ("render", file, "-o", tmp_path / "out", "--device", "cpu")
    assert call(*start, "--limit", 1)[0] == 0
    planned = prompts(call(*start, "--dry-run", "--format", "json")[1])
    shutil.rmtree(model)
    assert call(*start)[0] == 0
    rendered = sorted((tmp_path / "out").glob("*.png"))
    assert [tagkit.read_image(path).prompt for path in rendered] == planned
    assert call(*start, "--replan")[0] == 2, "a new plan needs the tag model again"


def test_a_tag_model_of_ones_own_card(
    job: Callable[..., tuple[Path, Path]], call: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    file, model = job()
    (tmp_path / "cards").mkdir()
    # A folder without a card is read as DanTagGen's latest; `tiny` samples in its own way.
    card = f"""\
card: tag
name: mine
extends: dantaggen-delta-rev2
weights: {{hub: "", folder: '{model}'}}
files: []
special_tokens: {{}}
"""
    (tmp_path / "cards" / "mine.yaml").write_text(card, encoding="utf-8")
    (tmp_path / "tagkit.yaml").write_text("cards: [cards]\n", encoding="utf-8")
    asked = ("render", file, "--dry-run", "--format", "json", "--device", "cpu")
    by_folder = call(*asked)
    file.write_text(JOB.format(model="mine", per="image"), encoding="utf-8")
    assert call(*asked)[0] == 0
    assert prompts(call(*asked)[1]) == prompts(by_folder[1])


def test_a_pipe_from_expand_to_render(
    run: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "tagkit.yaml").write_text("model: tiny\n", encoding="utf-8")
    given = "1girl, (hat:1.2)\n2girls, umbrella\n"
    grown = run("expand", "-", "--tag-model", "tiny", "--seed", 3, stdin=given, cwd=tmp_path)
    assert grown.returncode == 0, grown.stderr
    dry = ("render", "-", "-o", "out", "--dry-run", "--format", "json")
    out = run(*dry, stdin=grown.stdout, cwd=tmp_path)
    assert out.returncode == 0, out.stderr
    assert prompts(out.stdout) == grown.stdout.splitlines()
