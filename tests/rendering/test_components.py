from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from safetensors.torch import save_file  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.components import load_components  # noqa: E402
from tagkit.rendering.pipeline import Pipeline  # noqa: E402

from ldm_checkpoint import checkpoint  # noqa: E402  isort: skip

if TYPE_CHECKING:
    from pathlib import Path


def digests(folder: Path) -> dict[str, str]:
    files = sorted(folder.rglob("*.safetensors"))
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_random_weights_are_the_same_each_time(components, tiny_weights, tmp_path):
    again = msgspec.structs.replace(tiny_weights, path=tmp_path / "again")
    load_components(again)
    assert digests(again.path) == digests(tiny_weights.path)
    assert len(digests(again.path)) == 4
    assert not list(tmp_path.glob(".building*"))


def test_another_seed_gives_other_weights(tiny_weights, tmp_path):
    other = msgspec.structs.replace(tiny_weights, path=tmp_path / "other", seed=1)
    load_components(other)
    assert not set(digests(other.path).values()) & set(digests(tiny_weights.path).values())


def test_a_single_file_is_the_same_model(components, tiny, tiny_weights, tmp_path, make_job):
    """Written in the form that other programs use, and read without any network."""
    save_file(checkpoint(components), tmp_path / "tiny.safetensors")
    single = msgspec.structs.replace(tiny_weights, kind="file", path=tmp_path / "tiny.safetensors")
    loaded = load_components(single)
    for one, other in zip(components, loaded, strict=True):
        expected = one.state_dict()
        found = other.state_dict()
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[key].float(), found[key].float()) for key in expected)
    pipeline = Pipeline(loaded, "epsilon", torch.device("cpu"), torch.float32)
    assert torch.equal(pipeline.latents([make_job()]), tiny.latents([make_job()]))


def test_a_diffusers_folder(components, tiny_weights, tmp_path):
    shutil.copytree(tiny_weights.path, tmp_path / "model")
    folder = msgspec.structs.replace(tiny_weights, kind="folder", path=tmp_path / "model")
    loaded = load_components(folder).unet.state_dict()
    assert all(
        torch.equal(loaded[key], value) for key, value in components.unet.state_dict().items()
    )


def test_a_folder_of_half_precision_files(tiny_weights, tmp_path):
    shutil.copytree(tiny_weights.path, tmp_path / "model")
    for file in (tmp_path / "model").rglob("*.safetensors"):
        file.rename(file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
    folder = msgspec.structs.replace(tiny_weights, kind="folder", path=tmp_path / "model")
    assert load_components(folder).unet.config.in_channels == 4


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\xff" * 64])
def test_a_file_that_is_no_model(tiny_weights, tmp_path, content):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    broken = msgspec.structs.replace(tiny_weights, kind="file", path=path)
    with pytest.raises(UserError, match=r"broken\.safetensors"):
        load_components(broken)


def test_tensors_of_something_else(tiny_weights, tmp_path):
    path = tmp_path / "lora.safetensors"
    save_file({"lora_unet_x": torch.zeros(2)}, path)
    other = msgspec.structs.replace(tiny_weights, kind="file", path=path)
    with pytest.raises(UserError, match=r"lora\.safetensors"):
        load_components(other)


def test_loading_opens_no_connection(tiny_weights, tmp_path, monkeypatch, components):
    import socket

    def refuse(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    save_file(checkpoint(components), tmp_path / "tiny.safetensors")
    load_components(tiny_weights)
    load_components(
        msgspec.structs.replace(tiny_weights, kind="file", path=tmp_path / "tiny.safetensors")
    )
