"""`tagkit lint --strict-length` and `--watch`."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

LONG = ", ".join(f"{colour} {thing}" for colour in ("red", "blue", "green", "pink", "white")
                 for thing in ("hat", "ribbon", "gloves", "skirt", "boots", "scarf"))  # fmt: skip


def severities(run, *args):
    out = run("lint", f"1girl, {LONG}", "--output-format", "json", "--select", "LEN101", *args)
    found = json.loads(out.stdout)["diagnostics"]
    return out.returncode, {each["code"]: each["severity"] for each in found}


def test_strict_length_makes_too_many_tokens_an_error(run):
    assert severities(run) == (1, {"LEN101": "warning"})
    assert severities(run, "--strict-length") == (1, {"LEN101": "error"})


def test_strict_length_is_silent_where_the_card_states_no_limit(run):
    assert severities(run, "--strict-length", "--model", "illustrious-xl") == (0, {})


MIXED = "1girl, {{smile}}, (hat:1.2), (dress:1.1)"


@pytest.mark.parametrize(
    ("text", "asked", "severity"),
    [
        (MIXED, (), "warning"),
        (MIXED, ("--dialect", "a1111"), "warning"),
        (MIXED, ("--dialect", "auto"), "info"),
        ("1girl, {{smile}}", ("--dialect", "auto"), None),
        ("1girl, {{smile}}", ("--dialect", "novelai"), None),
    ],
)
def test_a_second_dialect_is_info_where_nobody_said_the_first(run, text, asked, severity):
    out = run("lint", text, "--select", "SYN108", "--output-format", "json", *asked)
    found = [each["severity"] for each in json.loads(out.stdout)["diagnostics"]]
    assert found == ([severity] if severity else [])
    assert out.returncode == int(severity == "warning")


class Watched:
    """A `tagkit lint --watch` whose output can be waited for."""

    def __init__(self, *args):
        self.log = args[0].parent / "log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tagkit", "lint", "--watch", *map(str, args)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    def said(self, text, times=1):
        """Waits until `text` was said so many times."""
        for _ in range(600):
            if self.log.read_text(encoding="utf-8").count(text) >= times:
                return True
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            time.sleep(0.1)
        return False

    def stopped(self):
        """Ctrl-C, and the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def watching():
    started = []

    def start(*args):
        started.append(Watched(*args))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal there")
def test_watch_lints_again_on_a_change_until_it_is_stopped(watching, tmp_path):
    path = tmp_path / "p.txt"
    path.write_text("1girl, 1girl\n", encoding="utf-8")
    watched = watching(path, "--select", "DUP")
    assert watched.said("DUP101")
    path.write_text("1girl, smile\n", encoding="utf-8")
    assert watched.said("No problems in 1 prompt.")
    path.write_bytes(b"caf\xe9")
    assert watched.said("is not UTF-8 text")
    path.write_text("smile, smile, 1girl\n", encoding="utf-8")
    assert watched.said("DUP101", times=2)
    assert watched.stopped() == 130
    assert "Traceback" not in watched.log.read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is no signal there")
def test_watch_sees_new_files_of_a_folder(watching, tmp_path):
    folder = tmp_path / "prompts"
    folder.mkdir()
    watched = watching(folder, "--select", "DUP")
    assert watched.said("has no *.txt")
    (folder / "new.txt").write_text("1girl, 1girl\n", encoding="utf-8")
    assert watched.said("new.txt:1:8: warning DUP101")
    assert watched.stopped() == 130


@pytest.mark.parametrize("argument", ["1girl, smile", "-", "missing.txt"])
def test_watch_takes_files_only(run, argument):
    out = run("lint", argument, "--watch", stdin="1girl\n")
    assert out.returncode == 2
    assert "cannot watch" in out.stderr
