"""`tagkit lint` on captions of training pictures."""

import json

import pytest


@pytest.fixture
def training(tmp_path):
    """A training folder: captions beside pictures, and a prompt file that has none."""
    folder = tmp_path / "10_suzu"
    folder.mkdir()

    def add(name, caption, picture=".png"):
        (folder / name).write_text(caption, encoding="utf-8")
        if picture:
            (folder / name).with_suffix(picture).touch()

    add("a.txt", "suzu, 1girl, smile, 1girl")
    add("b.txt", "suzu, 1girl, smile, hat", ".JPG")
    add("c.caption", "suzu, smile, hat, closed eyes", picture="")
    add("d.txt", "suzu, 1girl, hat, smile", ".webp")
    return folder


def judged(run, *args):
    out = run("lint", *args, "--output-format", "json")
    assert out.returncode in (0, 1), out.stderr
    return json.loads(out.stdout)


def codes(report):
    return {each["code"] for each in report["diagnostics"]}


def test_a_text_file_beside_a_picture_is_its_caption(run, training):
    assert codes(judged(run, training, "--keep-tokens", "1")) == {"DUP101", "ORD101"}
    assert "NEG101" in codes(judged(run, training, "--prompts"))


def test_the_options_say_so_for_all(run, tmp_path):
    file = tmp_path / "p.txt"
    file.write_text("1girl, sketch\nNegative prompt: hat\n", encoding="utf-8")
    assert "FIT102" in codes(judged(run, file))
    report = judged(run, file, "--captions")
    assert codes(report) == set()
    assert [each["positive"]["text"] for each in report["prompts"]] == [
        "1girl, sketch",
        "Negative prompt: hat",
    ]
    assert {each["negative"] for each in report["prompts"]} == {None}


def test_fix_writes_what_it_changes_and_nothing_else(run, tmp_path):
    for number in range(1000):
        caption = "suzu, masterpiece, 1girl" if number % 10 else "suzu, 1girl, masterpiece"
        (tmp_path / f"{number:04}.txt").write_text(f"{caption}\r\n", encoding="utf-8", newline="")
    before = {path.name: path.stat() for path in tmp_path.iterdir()}
    assert run("lint", tmp_path, "--captions", "--fix", "--keep-tokens", "1").returncode == 0
    after = {path.name: path.stat() for path in tmp_path.iterdir()}
    assert after.keys() == before.keys(), "no temporary file is left"
    changed = [name for name in after if after[name].st_ino != before[name].st_ino]
    assert len(changed) == 900
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"suzu, 1girl, masterpiece\r\n"}


def test_kept_tags_stay(run, tmp_path):
    file = tmp_path / "a.caption"
    file.write_text("masterpiece, smile, 1girl", encoding="utf-8")
    assert run("lint", file, "--fix", "--keep-tokens", "2").returncode == 0
    assert file.read_text(encoding="utf-8") == "masterpiece, smile, 1girl"


def test_a_broken_caption_does_not_stop_the_rest(run, training):
    (training / "b.txt").write_text(" \n", encoding="utf-8")
    out = run("lint", training, "--output-format", "concise")
    assert out.returncode == 2
    assert "holds no caption" in out.stderr
    assert "a.txt:1:21: warning DUP101" in out.stdout


def test_statistics_say_what_the_folder_holds(run, training):
    said = judged(run, training, "--statistics")["captions"]
    assert said["captions"] == 4
    assert said["tags"][:3] == [
        {"tag": "smile", "captions": 4},
        {"tag": "suzu", "captions": 4},
        {"tag": "1girl", "captions": 3},
    ]
    assert said["in_all"] == ["smile", "suzu"]
    assert said["in_one"] == ["closed eyes"]
    assert said["without_count"] == [f"{training / 'c.caption'}:1"]
    assert said["same"] == [f"{training / 'd.txt'}:1"]
    out = run("lint", training, "--statistics").stdout
    assert "4 captions, 5 tags, 3 to 4 in a caption" in out
    assert "in one caption only: 1 (closed eyes)" in out


def test_prompts_have_no_census(run, tmp_path):
    assert "captions" not in judged(run, "1girl, smile", "--statistics")
