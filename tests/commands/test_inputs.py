from __future__ import annotations

import pytest

from tagkit.commands.inputs import Pictures, expanded


@pytest.fixture
def folder(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text("1girl")
    for name in ("0.png", "5.JPG", "12.webp", "15.BMP", "19.png.bak", "7.caption"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_a_text_beside_a_picture_is_a_caption_however_many_there_are(folder):
    pictures = Pictures()
    for _ in range(2):
        found = [number for number in range(20) if pictures.captioned_by(folder / f"{number}.txt")]
        assert found == [0, 5, 12, 15]
    assert pictures.captioned_by(folder / "7.caption")
    assert not pictures.captioned_by(folder / "0.png")
    assert not pictures.captioned_by(folder / "none" / "0.txt")


def test_a_folder_means_its_files(folder, monkeypatch):
    names = sorted(f"{number}.txt" for number in range(20))
    assert list(expanded([str(folder)])) == [str(folder / name) for name in names]
    assert list(expanded([f"{folder}/."], (".caption", ".txt")))[-2:] == [
        str(folder / "8.txt"), str(folder / "9.txt"),
    ]  # fmt: skip
    monkeypatch.chdir(folder)
    assert list(expanded(["."])) == names
    (folder / "empty").mkdir()
    assert list(expanded(["empty", "1.txt"])) == ["empty", "1.txt"]
