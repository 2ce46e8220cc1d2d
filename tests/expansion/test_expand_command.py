"""`tagkit expand`: in this process where nothing speaks against it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tagkit.commands import COMMANDS, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

pytestmark = pytest.mark.usefixtures("tiny")

RECORD = (
    "1girl, masterpiece\n"
    "Negative prompt: lowres, (hat:1.2)\n"
    "Steps: 25, Sampler: Euler a, CFG scale: 6, Seed: 1, Size: 832x1216\n"
)


@pytest.fixture
def expand(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Exit status, stdout and stderr of `tagkit expand ARGS --tag-model tiny`."""

    def call(*args: object) -> tuple[int, str, str]:
        status = run(["expand", *map(str, args), "--tag-model", "tiny", "--device", "cpu"])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def results(expand: Callable[..., tuple[int, str, str]]) -> Callable[..., list[dict[str, Any]]]:
    def call(*args: object) -> list[dict[str, Any]]:
        status, out, err = expand(*args, "--format", "json")
        assert status == 0, err
        document = json.loads(out)
        assert document["version"] == 1
        return list(document["results"])

    return call


def test_the_form_of_json(results: Callable[..., list[dict[str, Any]]]) -> None:
    (row,) = results("1girl, blue hair", "--seed", 7, "--temp", 0.8, "--max-tokens", 40)
    assert set(row) == {
        *("input", "prompt", "added", "refused", "length", "clip", "seed", "temperature", "model"),
        "ended",
    }
    assert row["input"] == "1girl, blue hair"
    assert row["clip"] == {"tokens": row["clip"]["tokens"], "limit": 40}
    assert set(row["length"]) == {"target", "minimum", "reached"}
    assert all(set(each) == {"tag", "because"} for each in row["refused"])
    assert (row["seed"], row["temperature"], row["model"]) == (7, 0.8, "tiny")


def test_text_is_a_prompt_a_line(expand: Callable[..., tuple[int, str, str]]) -> None:
    status, out, err = expand("1girl,\nblue hair", "2girls", "--seed", 3, "-n", 2)
    assert status == 0
    assert len(out.splitlines()) == 6, "three prompts, two variations"
    assert "seeds 3 to 4" in err
    assert "model: baxl-v3 (default), tag model tiny" in err


def test_a_break_joins_its_lines(expand: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = expand("1girl # words\nBREAK smile", "--seed", 3)
    (line,) = out.splitlines()
    assert line.startswith("1girl")
    assert "BREAK smile" in line
    assert "#" not in line


def test_a_drawn_seed_is_told(expand: Callable[..., tuple[int, str, str]]) -> None:
    _, out, err = expand("1girl")
    seed = err.rsplit("seed ", 1)[1].split()[0]
    assert expand("1girl", "--seed", seed)[1] == out


def test_records_come_back_whole(
    expand: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text(f"smile\n\n{RECORD}\n2girls\n")
    status, out, _ = expand(file, "--seed", 1)
    assert status == 0
    first, record, last = out.split("\n\n")
    lines = record.splitlines()
    assert lines[0].startswith("1girl, ")
    assert lines[0].endswith(", masterpiece")
    assert lines[1:] == RECORD.splitlines()[1:]
    assert "smile" in first
    assert last.startswith("2girls, ")
    from tagkit.documents import parse_document

    assert len(parse_document(out, "out").records) == 3


def test_the_dialect_of_the_settings_may_be_guessed(
    expand: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "tagkit.yaml").write_text("dialect: auto\n", encoding="utf-8")
    (tmp_path / "p.txt").write_text("1girl, {{smile}}\n1girl, (hat:1.2)\n", encoding="utf-8")
    status, out, _ = expand(tmp_path / "p.txt", "--seed", 1)
    assert status == 0
    said, weighed = out.splitlines()
    assert "{{smile}}" in said
    assert "(hat:1.2)" in weighed


def test_settings_of_the_folder_name_the_card(
    expand: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "tagkit.yaml").write_text("model: kohaku-delta\n")
    file = tmp_path / "prompts.txt"
    file.write_text("1girl, masterpiece\n")
    _, out, err = expand(file, "--seed", 1)
    assert "model: kohaku-delta" in err
    assert out.startswith("1girl, ")
    assert not out.endswith("masterpiece\n")


def test_variations_are_a_batch_of_different_prompts(
    results: Callable[..., list[dict[str, Any]]], expand: Callable[..., tuple[int, str, str]]
) -> None:
    several = results("1girl", "--seed", 4, "-n", 8)
    assert [row["seed"] for row in several] == [*range(4, 12)]
    assert len({row["prompt"] for row in several}) == 8
    assert len({frozenset(row["added"]) for row in several}) == 8
    _, out, err = expand("1girl", "-n", 2, "--temp", 0)
    assert len(set(out.splitlines())) == 1
    assert "all variations are the same" in err


def test_diff_and_explain(expand: Callable[..., tuple[int, str, str]]) -> None:
    _, out, err = expand("1girl, smile", "--temp", 0, "--diff", "--explain", "--ban", "solo")
    removed, added = out.splitlines()[-2:]
    assert removed == "-1girl, smile"
    assert added.startswith("+")
    assert "1girl, smile, " in added
    assert "refused, banned: solo" in err
    assert "added: " in err


def test_every_option_works(results: Callable[..., list[dict[str, Any]]]) -> None:
    arguments = (
        "--temp 0.9 --length long --ban hat --ban-when solo hug --no-card-bans "
        "--ban-group eyewear --allow-group meta "
        "--hide smile --top-p 0.9 --top-k 50 --min-p 0.01 --seed 2 -n 2 --max-tokens 120 "
        "--size 1216x832 --rating safe --quality masterpiece --artist someone --model tiny"
    ).split()
    rows = results("1girl, smile", *arguments)
    assert [row["seed"] for row in rows] == [2, 3]
    assert rows[0]["length"]["target"] == "long"
    assert rows[0]["clip"]["limit"] == 120


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--temp", "-1"], "temperature"),
        (["--temp", "warm"], "warm"),
        (["--length", "longish"], "did you mean"),
        (["--ban", "*hat"], "*hat"),
        (["--ban", "("], "("),
        (["--ban-when", "solo", "*hug"], "*hug"),
        (["--ban-when", "(", "hug"], "("),
        (["--hide", "[a"], "[a"),
        (["--ban-group", "hair_colour"], "hair_color"),
        (["--allow-group", "sexual"], "never added"),
        (["--size", "large"], "WIDTHxHEIGHT"),
        (["--size", "0x5"], "size"),
        (["--seed", "-2"], "seed"),
        (["-n", "0"], "variations"),
        (["--max-tokens", "0"], "max-tokens"),
        (["--top-p", "2"], "top-p"),
        (["--model", "no-such"], "no-such"),
        (["--device", "tpu"], "tpu"),
    ],
)
def test_nonsense_is_exit_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["expand", "1girl", "--tag-model", "tiny", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert said in captured.err


def test_the_rest_of_several_inputs_is_done(
    expand: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    status, out, err = expand(tmp_path / "none.txt", "1girl", "--seed", 1)
    assert status == 2
    assert out.startswith("1girl, ")
    assert "none.txt" in err


def test_a_job_file_holds_no_prompts(
    expand: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    job = tmp_path / "jobs.yaml"
    job.write_text("version: 1\nmodel: tiny\nprompts: [1girl]\n")
    status, out, err = expand(job)
    assert (status, out) == (2, "")
    assert "is a job file" in err
    assert "render" in err


def test_an_empty_prompt_is_not_the_current_folder(
    expand: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "other.txt").write_text("1girl")
    monkeypatch.chdir(tmp_path)
    status, out, err = expand("")
    assert (status, out) == (2, "")
    assert "the prompt is empty" in err


def test_the_cards_tag_model_is_not_fetched_unasked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import huggingface_hub

    cached = huggingface_hub.snapshot_download
    monkeypatch.setattr(
        huggingface_hub,
        "snapshot_download",
        lambda *args, **given: cached(*args, **given, cache_dir=tmp_path),
    )
    assert run(["expand", "1girl"]) == 2
    error = capsys.readouterr().err
    assert "weights of the tag model `dantaggen-delta-rev2` are not on this machine" in error
    assert "--tag-model tiny" in error


def test_help_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["expand", "--help"]) == 0
    shown = capsys.readouterr().out
    for option in (
        "--temp --length --ban --ban-when --no-card-bans --ban-group --allow-group --hide "
        "--top-p --top-k --min-p --seed --variations --max-tokens --size --rating --quality "
        "--artist --model --tag-model --device --diff --explain --format"
    ).split():
        assert option in shown
    assert "Examples:" in shown
    assert "expand" in COMMANDS


def test_from_stdin_in_a_process_of_its_own(run: Callable[..., CompletedProcess[str]]) -> None:
    done = run("expand", "--tag-model", "tiny", "--seed", "1", stdin="1girl\n2girls, (hat:1.2)\n")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert "(hat:1.2)" in done.stdout
    assert len(done.stderr.splitlines()) == 1, "nothing but the models and the seed"
