from __future__ import annotations

import pytest

from tagkit.errors import UserError
from tagkit.rendering.embeddings import load_inversion, vectors_in

from safetensors_bytes import inversion, safetensors  # isort: skip


def test_vectors_of_a_safetensors_file(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(inversion(5))
    assert vectors_in(path) == 5


def test_vectors_of_torch_files(tmp_path):
    torch = pytest.importorskip("torch")
    for name in ("a.pt", "a.bin"):
        tables = {"clip_l": torch.ones(3, 24), "clip_g": torch.zeros(3, 40)}
        torch.save(tables, tmp_path / name)
        assert vectors_in(tmp_path / name) == 3
        assert torch.equal(load_inversion(tmp_path / name).first, tables["clip_l"])


class Runs:
    def __reduce__(self):
        return print, ("a program ran",)


def test_a_pickle_that_runs_something_is_refused(tmp_path, capsys):
    torch = pytest.importorskip("torch")
    torch.save({"clip_l": Runs()}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="not loaded"):
        vectors_in(tmp_path / "a.pt")
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (safetensors(emb_params=(2, 768)), "Stable Diffusion 1 or 2"),
        (safetensors(x=(2, 768)), "no embedding for SDXL"),
        (safetensors(clip_l=(2, 24), clip_g=(3, 40)), "damaged"),
        (inversion(76), "76 vectors"),
        (inversion(2)[:-1], "cut short"),
    ],
)
def test_files_that_are_none(tmp_path, content, words):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        vectors_in(path)


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04 junk"])
def test_torch_files_that_are_none(tmp_path, content):
    pytest.importorskip("torch")
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.pt"):
        vectors_in(tmp_path / "a.pt")


def test_embeddings_of_older_models_in_torch_files(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"string_to_param": {"*": torch.ones(2, 768)}}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="Stable Diffusion 1 or 2"):
        vectors_in(tmp_path / "a.pt")
