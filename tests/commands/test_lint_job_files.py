"""Job files as `tagkit lint` reads them: their prompts, each on its line."""

from __future__ import annotations

import json

import pytest

from tagkit.commands import bulk, run

JOBS = """\
model: baxl-v3
defaults: {cfg: 20}
prompts:
  - "1girl, 1girl, plana \\\\(blue archive\\\\)"
  - {prompt: "masterpiece, 1girl", negative: "hat, hat", cfg: 5}
  - prompt: |
      1girl,
      smile, smile
    cfg: 5
  - file: more.txt
"""


@pytest.fixture
def jobs(tmp_path):
    (tmp_path / "jobs.yaml").write_text(JOBS, encoding="utf-8")
    (tmp_path / "more.txt").write_text("1girl\nhat, hat\n", encoding="utf-8")
    return tmp_path / "jobs.yaml"


def linted(capfd, *arguments):
    status = run(["lint", *map(str, arguments), "--output-format", "json", "--ignore", "NEG"])
    out, err = capfd.readouterr()
    return status, json.loads(out) if out else None, err


def test_findings_stand_on_the_lines_of_the_job_file(jobs, capfd):
    status, document, _ = linted(capfd, jobs)
    assert status == 1
    found = [
        (each["path"].rpartition("/")[2], each["start"]["line"], each["in"], each["code"])
        for each in document["diagnostics"]
    ]
    assert found == [
        ("jobs.yaml", 4, "positive", "DUP101"),
        ("jobs.yaml", 4, "settings", "FIT104"),
        ("jobs.yaml", 5, "positive", "ORD101"),
        ("jobs.yaml", 5, "negative", "DUP101"),
        ("jobs.yaml", 8, "positive", "DUP101"),
        ("more.txt", 2, "positive", "DUP101"),
    ]
    assert [each["line"] for each in document["prompts"]] == [4, 5, 7, 1, 2]
    assert document["prompts"][1]["fixed"]["positive"] == "1girl, masterpiece"


def test_a_job_file_is_never_written(jobs):
    assert run(["lint", str(jobs), "--fix", "--unsafe-fixes"]) == 1
    assert jobs.read_text(encoding="utf-8") == JOBS
    assert "hat, hat" not in (jobs.parent / "more.txt").read_text(encoding="utf-8")


def test_the_prompts_of_later_passes_are_judged_for_safety(tmp_path, capfd):
    jobs = tmp_path / "jobs.json"
    entry = {"prompt": "1girl, child", "hires": {"prompt": "nude"}}
    jobs.write_text(json.dumps({"prompts": [entry]}))
    _, document, _ = linted(capfd, jobs)
    assert "SAF101" in [each["code"] for each in document["diagnostics"]]


def test_what_is_no_job_file_is_named_and_the_rest_is_checked(jobs, capfd):
    jobs.write_text("prompt: [1girl]\n", encoding="utf-8")
    status, document, err = linted(capfd, jobs, jobs.parent / "more.txt")
    assert status == 2
    assert "unknown key `prompt`" in err
    assert "jobs.yaml:1" in err
    assert len(document["prompts"]) == 2


def test_an_empty_folder_is_named_and_the_rest_is_checked(jobs, capfd):
    (jobs.parent / "empty").mkdir()
    status, document, err = linted(capfd, jobs.parent / "empty", jobs.parent / "more.txt")
    assert status == 2
    assert "has no *.txt" in err
    assert len(document["prompts"]) == 2


@pytest.mark.parametrize("bulk_bytes", [1, 1 << 40])
def test_prompts_that_a_job_file_names_are_judged_as_it_uses_them(
    tmp_path, capfd, monkeypatch, bulk_bytes
):
    monkeypatch.setattr(bulk, "_WORTH_BYTES", bulk_bytes)
    monkeypatch.setattr(bulk, "_LARGE_BYTES", 20)
    (tmp_path / "bare.txt").write_text("1girl, solo, smile\n1girl, score_9\n", encoding="utf-8")
    (tmp_path / "said.txt").write_text("1girl, score_9\nNegative prompt: hat\n", encoding="utf-8")
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text(
        "model: animagine-xl-4.0\ndefaults: {negative: hat}\nprompts:\n"
        "  - {file: bare.txt}\n  - {file: said.txt, model: baxl-v3}\n"
    )
    run(["lint", str(jobs), "--output-format", "json"])
    document = json.loads(capfd.readouterr().out)
    assert [each["model"] for each in document["prompts"]] == ["animagine-xl-4.0"] * 2 + ["baxl-v3"]
    found = {(each["path"].rpartition("/")[2], each["code"]) for each in document["diagnostics"]}
    assert not any(name == "bare.txt" and code.startswith("NEG") for name, code in found)
    assert ("said.txt", "NEG101") in found


def test_a_negative_prompt_that_rendering_completes_lacks_no_overfit_tags(tmp_path, capfd):
    path = tmp_path / "jobs.yaml"
    path.write_text('model: baxl-v3\ndefaults: {negative: hat}\nprompts: ["1girl, smile"]\n')
    assert run(["lint", str(path)]) == 0
    said = capfd.readouterr().out
    assert "NEG101" not in said
    assert "NEG102" in said


def test_what_a_named_record_says_of_its_model_wins(tmp_path, capfd):
    record = "1girl\nNegative prompt: hat\nSteps: 20, CFG scale: 5"
    for name, more in (("own", ", Model: baxl-v3"), ("none", "")):
        (tmp_path / f"{name}.txt").write_text(f"{record}{more}\n", encoding="utf-8")
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text("model: pony-v6\nprompts: [{file: own.txt}, {file: none.txt}]\n")
    run(["lint", str(jobs), "--output-format", "json"])
    document = json.loads(capfd.readouterr().out)
    assert [each["model"] for each in document["prompts"]] == ["baxl-v3", "pony-v6"]


def test_fixing_what_a_job_file_names_adds_no_negative_prompt(tmp_path, capfd):
    named = tmp_path / "more.txt"
    named.write_text("1girl, 1girl\n\nsolo\nNegative prompt: hat\n", encoding="utf-8")
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text("defaults: {negative: none}\nprompts: [{file: more.txt}]\n")
    assert run(["lint", str(jobs), "--fix", "--add-negative"]) == 0
    text = named.read_text(encoding="utf-8")
    assert text == "1girl\n\nsolo\nNegative prompt: hat, halo, heterochromia, focus\n"
    assert "more.txt:1:" not in capfd.readouterr().out


@pytest.mark.parametrize(
    "negative", ["none", "{text: hat, complete: none}", "{text: hat, complete: base}"]
)
def test_a_negative_prompt_that_is_to_stay_or_gets_everything_lacks_nothing(
    tmp_path, capfd, negative
):
    path = tmp_path / "jobs.yaml"
    jobs = f'model: baxl-v3\ndefaults: {{negative: {negative}}}\nprompts: ["1girl, smile"]\n'
    path.write_text(jobs, encoding="utf-8")
    assert run(["lint", str(path)]) == 0
    assert "NEG" not in capfd.readouterr().out
