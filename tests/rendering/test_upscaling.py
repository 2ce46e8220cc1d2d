from __future__ import annotations

import pickle
import warnings
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
spandrel = pytest.importorskip("spandrel")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from spandrel.architectures.DAT import DAT  # noqa: E402
from spandrel.architectures.ESRGAN import ESRGAN  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.upscaling import (  # noqa: E402
    OVERLAP,
    fitting_dtype,
    open_network,
    resampled,
    starts,
    tiled,
)

CPU = torch.device("cpu")


def picture_of(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="session")
def upscaler_files(tmp_path_factory):
    """Networks with random weights, as files."""
    folder = tmp_path_factory.mktemp("upscalers")
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dat = DAT(
            img_size=16, split_size=[4, 8], embed_dim=16, depth=[2], num_heads=[2],
            expansion_factor=1.0, upscale=2, upsampler="pixelshuffledirect",
        )  # fmt: skip
    esrgan = ESRGAN(num_filters=8, num_blocks=1, scale=4)
    save_file(dat.state_dict(), folder / "dat.safetensors")
    torch.save(dat.state_dict(), folder / "dat.pth")
    torch.save(esrgan.state_dict(), folder / "esrgan.pth")
    return folder


def convolution(radius, scale):
    """A network that looks `radius` pixels far."""
    torch.manual_seed(radius)
    look = torch.nn.Conv2d(3, 3 * scale**2, 2 * radius + 1, padding=radius)
    shuffle = torch.nn.PixelShuffle(scale)
    return torch.nn.Sequential(look, shuffle).requires_grad_(requires_grad=False)


@settings(deadline=None, max_examples=25)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    tile=st.integers(OVERLAP * 2, 100),
    scale=st.sampled_from([1, 2, 3]),
    at_once=st.integers(1, 5),
)
def test_tiles_leave_no_seam(height, width, tile, scale, at_once):
    network = convolution(OVERLAP // 4, scale)
    picture = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    found = tiled(network, picture, scale, tile, at_once)
    assert torch.allclose(found, network(picture[None])[0], atol=1e-5)


@given(st.integers(1, 3000), st.integers(OVERLAP * 2, 512))
def test_tiles_cover_and_overlap(length, tile):
    found = starts(length, tile)
    if length <= tile:
        assert found == [0]
        return
    assert found[0] == 0
    assert found[-1] == length - tile
    steps = [after - before for before, after in pairwise(found)]
    assert all(0 < step <= tile - OVERLAP for step in steps)


@pytest.mark.parametrize("name", ["dat.safetensors", "dat.pth", "esrgan.pth"])
@pytest.mark.parametrize("size", [(40, 24), (33, 57), (9, 5)])
def test_the_picture_has_the_size_that_was_asked_for(upscaler_files, name, size):
    upscaler = open_network(upscaler_files / name, CPU)
    height, width = size
    found = upscaler(picture_of(height, width), width * 2 - 3, height * 2 - 1)
    assert found.shape == (height * 2 - 1, width * 2 - 3, 3)
    assert found.dtype == np.uint8


def test_the_network_is_asked_until_the_picture_is_large_enough(upscaler_files):
    """Twice, twice again, and down to the size: as A1111 does."""
    upscaler = open_network(upscaler_files / "dat.safetensors", CPU)
    small = picture_of(20, 16)
    twice = upscaler(small, 32, 40)
    four_times = upscaler(twice, 64, 80)
    assert np.array_equal(upscaler(small, 40, 50), resampled(four_times, 40, 50))


def test_it_is_asked_three_times_at_most(upscaler_files):
    upscaler = open_network(upscaler_files / "dat.safetensors", CPU)
    small = picture_of(8, 8)
    assert np.array_equal(upscaler(small, 80, 80), resampled(upscaler(small, 64, 64), 80, 80))


def test_a_picture_that_is_large_enough_is_only_resampled(upscaler_files):
    upscaler = open_network(upscaler_files / "dat.safetensors", CPU)
    large = picture_of(40, 40)
    assert np.array_equal(upscaler(large, 32, 24), resampled(large, 32, 24))
    assert np.array_equal(upscaler(large, 40, 40), large)


def test_safetensors_and_pth_of_the_same_weights_are_the_same(upscaler_files):
    one, other = (
        open_network(upscaler_files / name, CPU)(picture_of(16, 16), 32, 32)
        for name in ("dat.safetensors", "dat.pth")
    )
    assert np.array_equal(one, other)


def test_less_memory_makes_smaller_tiles_and_the_same_picture(upscaler_files):
    picture, sizes = picture_of(100, 140), []
    upscaler = open_network(upscaler_files / "esrgan.pth", CPU)
    expected = upscaler(picture, 560, 400)
    network = upscaler._network
    forward = network.model.forward

    def tight(pixels):
        sizes.append(max(pixels.shape[-2:]))
        if sizes[-1] > 64:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return forward(pixels)

    network.model.forward = tight
    found = upscaler(picture, 560, 400)
    assert sizes[:3] == [140, 128, 64]
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1


def test_too_little_memory_for_the_smallest_tile_is_a_memory_error(upscaler_files):
    upscaler = open_network(upscaler_files / "esrgan.pth", CPU)

    def tight(pixels):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    upscaler._network.model.forward = tight
    with pytest.raises(MemoryError):
        upscaler(picture_of(16, 16), 64, 64)


def test_a_network_that_overflows_is_asked_again_in_full_precision(upscaler_files):
    upscaler = open_network(upscaler_files / "dat.safetensors", CPU)
    small = picture_of(16, 16)
    expected = upscaler(small, 32, 32)
    model = upscaler._network.to(torch.bfloat16).model
    forward = model.forward

    def overflowing(pixels):
        return forward(pixels) * (torch.nan if pixels.dtype == torch.bfloat16 else 1)

    model.forward = overflowing
    assert np.abs(upscaler(small, 32, 32).astype(int) - expected.astype(int)).max() <= 2
    model.forward = lambda pixels: forward(pixels) * torch.nan
    with pytest.raises(UserError, match="finite"):
        upscaler(small, 32, 32)


def test_dat_is_not_computed_in_half_precision(upscaler_files, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    cuda = torch.device("cuda")
    dat = open_network(upscaler_files / "dat.pth", CPU)._network
    esrgan = open_network(upscaler_files / "esrgan.pth", CPU)._network
    assert fitting_dtype(dat, cuda) == torch.bfloat16
    assert fitting_dtype(esrgan, cuda) == torch.float16
    assert fitting_dtype(esrgan, CPU) == torch.float32
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert fitting_dtype(dat, cuda) == torch.float32


class Harmful:
    def __reduce__(self):
        return print, ("ran",)


def test_a_file_that_would_run_something_is_refused(tmp_path, capsys):
    path = tmp_path / "bad.pth"
    torch.save({"weight": Harmful()}, path)
    with pytest.raises(UserError, match="bad"):
        open_network(path, CPU)
    path.write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(UserError, match="bad"):
        open_network(path, CPU)
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a.pt", "a.ckpt", "a.onnx", "a"])
def test_other_kinds_of_files_are_refused(tmp_path, name):
    with pytest.raises(UserError, match="not loaded as an upscaler"):
        open_network(tmp_path / name, CPU)


def test_weights_of_something_else_and_broken_files_are_named(tmp_path, upscaler_files):
    save_file({"weight": torch.zeros(3)}, tmp_path / "lora.safetensors")
    whole = (upscaler_files / "dat.safetensors").read_bytes()
    (tmp_path / "short.safetensors").write_bytes(whole[: len(whole) // 2])
    for name in ("lora.safetensors", "short.safetensors", "missing.pth"):
        with pytest.raises(UserError, match=name):
            open_network(tmp_path / name, CPU)
