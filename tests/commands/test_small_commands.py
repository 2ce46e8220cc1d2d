"""The command line itself and its small commands."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tagkit import __version__
from tagkit.commands import COMMANDS
from tagkit.packs import shipped_rules


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_every_help_is_complete(run, command):
    out = run(*([command] if command else []), "--help")
    assert out.returncode == 0
    assert "Example" in out.stdout
    if command:
        options = [line for line in out.stdout.splitlines() if line.startswith("  -")]
        assert all(len(line.split()) > 1 for line in options)


def test_version(run):
    assert __version__ in run("--version").stdout


def test_a_command_that_does_not_exist(run):
    out = run("lin", "x")
    assert out.returncode == 2
    assert "did you mean `lint`" in out.stderr


def test_traceback_on_request(run):
    assert "Traceback" in run("--traceback", "explain", "DUP999").stderr


def test_the_launcher_of_a_checkout():
    launcher = Path(__file__).parents[2] / "cli.py"
    out = subprocess.run(
        [sys.executable, launcher, "--version"], capture_output=True, text=True, check=False
    )
    assert out.stdout.strip().endswith(__version__)


def test_tokens(run):
    assert run("tokens", "1girl, (smile:1.2)").stdout == "4/75\n"
    out = run("tokens", "cat " * 76)
    assert out.stdout.splitlines()[0] == "76/150"
    assert "chunk 2: 1/75" in out.stdout
    doc = json.loads(run("tokens", "--format", "json", stdin="cat BREAK cat").stdout)
    assert doc == {"version": 1, "tokens": 76, "limit": 75, "chunks": [1, 1]}


def test_tokens_of_what_cannot_be_read_are_not_missed_silently(run, tmp_path):
    (tmp_path / "good.txt").write_text("1girl, smile\n")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe")
    out = run("tokens", "bad.txt", "good.txt", "missing.txt", "hat", cwd=tmp_path)
    assert out.returncode == 2
    assert [line.split()[0] for line in out.stdout.splitlines()] == ["4/75", "1/75"]
    assert "bad.txt" in out.stderr
    assert "missing.txt" in out.stderr
    assert run("tokens", "missing.txt", "--format", "json").stdout == ""


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.code)
def test_explain_shows_every_rule(run, rule):
    by_code, by_name = run("explain", rule.code), run("explain", rule.name)
    assert by_code.stdout == by_name.stdout
    headings = [line for line in by_code.stdout.splitlines() if line.startswith("## ")]
    assert headings[:5] == [
        "## What it finds",
        "## Why it matters",
        "## Example",
        "## Write instead",
        "## Fix safety",
    ]


def test_explain_what_does_not_exist(run):
    out = run("explain", "DUP999")
    assert out.returncode == 2
    assert "DUP101" in out.stderr


def test_rules_and_models(run):
    assert "ORD101" in run("rules").stdout
    assert len(json.loads(run("rules", "--format", "json").stdout)["rules"]) == len(shipped_rules())
    assert "baxl-v3" in run("models").stdout
    page = run("models", "show", "baxl-v3").stdout
    assert page == run("explain", "baxl-v3").stdout
    assert "0.00000750" not in page
    assert "No commercial use" in page
