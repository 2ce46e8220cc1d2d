"""The hooks for pre-commit: what they run, and on which files."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOOKS = {
    hook["id"]: hook
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("hook", HOOKS.values(), ids=str)
@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("prompts.txt", True),
        ("prompts/night/rain.txt", True),
        ("captions-v2/a.txt", True),
        ("train/10_suzu/a.caption", True),
        ("requirements.txt", False),
        ("docs/prompts.md", False),
        ("LICENSE.txt", False),
    ],
)
def test_the_files_are_those_that_hold_prompts(hook, path, is_ours):
    assert bool(re.search(hook["files"], path)) == is_ours
    assert hook["types"] == ["text"]
    assert hook["language"] == "python"


@pytest.mark.parametrize("hook", HOOKS.values(), ids=str)
def test_the_entry_runs(run, tmp_path, hook):
    program, *arguments = shlex.split(hook["entry"])
    assert program == "tagkit"
    good, bad = tmp_path / "prompts.txt", tmp_path / "prompts2.txt"
    good.write_text("1girl, smile\n", encoding="utf-8")
    bad.write_text("1girl, smile, 1girl\n", encoding="utf-8")
    assert run(*arguments, good).returncode == 0
    fixes = "--fix" in arguments
    assert run(*arguments, good, bad).returncode == (0 if fixes else 1)
    assert bad.read_text(encoding="utf-8").startswith(
        "1girl, smile\n" if fixes else "1girl, smile, "
    )
