from __future__ import annotations

import json

import msgspec
import pytest

from tagkit.commands import bulk, run
from tagkit.commands.judging import Options
from tagkit.documents import Piece

PIECE = Piece(0, 10, 0, 0)
OPTIONS = Options(
    fix=False, unsafe_fixes=False, diff=False, fit=None, add_negative=False, strict_length=False,
    select=(), ignore=(), rules=(), model=None, dialect=None, captions=None, keep_tokens=0,
    split="lines", form="json", statistics=False,
)  # fmt: skip
PROMPTS = [
    "1girl, solo, long hair, smile",
    "1girl, 1girl, hat",
    "masterpiece, 1girl, blonde hair, black hair",
    "1girl, (hat:1,2)",
    "{{hat}}, 1girl",
    "1girl, halo, blue hair",
    "é, 日本, 1girl",
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "large.txt").write_text("\n".join(PROMPTS * 1500) + "\n", encoding="utf-8")
    (tmp_path / "record.txt").write_text("1girl\nNegative prompt: hat, hat\nSteps: 20\n")
    (tmp_path / "small.txt").write_text("1girl, smile\n\n# tagkit: allow DUP101\nhat, hat\n")
    return tmp_path


def as_json(arguments, capfd):
    status = run(["lint", *map(str, arguments), "--output-format", "json"])
    out, err = capfd.readouterr()
    return status, out, err


def test_many_prompts_are_reported_as_few_are(folder, capfd, monkeypatch):
    monkeypatch.setattr(bulk, "_LARGE_BYTES", 1 << 14)
    monkeypatch.setattr(bulk, "_PIECE_BYTES", 1 << 14)
    monkeypatch.setattr(bulk, "_WORTH_BYTES", 1)
    many = as_json([folder], capfd)
    monkeypatch.setattr(bulk, "_WORTH_BYTES", 1 << 40)
    few = as_json([folder], capfd)
    assert many == few
    document = json.loads(many[1])
    assert document["summary"]["prompts"] == len(PROMPTS) * 1500 + 3
    said = [each["code"] for each in document["diagnostics"] if "large" in each["path"]]
    assert said.count("NEG101") == 1


def test_a_folder_of_captions_is_reported_as_few_of_them_are(tmp_path, capfd, monkeypatch):
    for number, prompt in enumerate(PROMPTS * 60):
        (tmp_path / f"{number}.txt").write_text(prompt, encoding="utf-8")
    (tmp_path / "100.txt").write_bytes(b"\xff")
    (tmp_path / "200.txt").write_text("1girl, child, nude")
    monkeypatch.setattr(bulk, "_WORTH_BYTES", 1)
    many = as_json([tmp_path, "--captions"], capfd)
    monkeypatch.setattr(bulk, "_WORTH_BYTES", 1 << 40)
    assert as_json([tmp_path, "--captions"], capfd) == many
    assert json.loads(many[1])["summary"]["prompts"] == len(PROMPTS) * 60 - 1


def test_a_file_has_one_name_whatever_its_size(folder, capfd, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(bulk, "_WORTH_BYTES", 1)
    monkeypatch.setattr(bulk, "_LARGE_BYTES", 1)
    _, out, _ = as_json(["./small.txt", "./record.txt"], capfd)
    assert [each["path"] for each in json.loads(out)["prompts"]] == ["small.txt"] * 2 + [
        "record.txt"
    ]


def test_files_share_a_part_but_for_what_is_said_once(folder):
    work = bulk._worker(OPTIONS, ())
    record, small = (str(folder / f"{name}.txt") for name in ("record", "small"))
    parts = work(bulk._Task((record, record, small, record)))
    assert [(part.summary.prompts, part.path) for part in parts] == [
        (2, record), (2, small), (1, record),
    ]  # fmt: skip


def test_an_unreadable_file_is_named_and_the_rest_is_checked(folder, capfd, monkeypatch):
    monkeypatch.setattr(bulk, "_WORTH_BYTES", 1)
    (folder / "broken.txt").write_bytes(b"\xff\xfe")
    status, out, err = as_json([folder / "broken.txt", folder / "small.txt"], capfd)
    assert status == 2
    assert "broken.txt` is not UTF-8" in err
    assert len(json.loads(out)["prompts"]) == 2


def test_a_file_that_goes_away_meanwhile_is_named(folder):
    (first, *_) = bulk._tasks([str(folder / "large.txt")], OPTIONS)
    gone = msgspec.structs.replace(first, arguments=(str(folder / "gone.txt"),), piece=PIECE)
    (part,) = bulk._worker(OPTIONS, ())(gone)
    assert "has changed while it was read" in str(part.error)


def test_nothing_but_errors_prints_no_document(folder, capfd, monkeypatch):
    monkeypatch.setattr(bulk, "_WORTH_BYTES", 1)
    (folder / "broken.txt").write_bytes(b"\xff\xfe")
    status, out, _ = as_json([folder / "broken.txt"], capfd)
    assert (status, out) == (2, "")


def test_findings_that_are_errors_decide_the_status(folder, capfd, monkeypatch):
    monkeypatch.setattr(bulk, "_WORTH_BYTES", 1)
    assert as_json([folder], capfd)[0] == 1
    assert run(["lint", str(folder), "--output-format", "json", "--exit-zero"]) == 0
