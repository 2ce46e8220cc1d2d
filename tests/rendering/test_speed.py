from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

from tagkit.cards import Speed  # noqa: E402
from tagkit.rendering.pipeline import Pipeline  # noqa: E402

CPU = torch.device("cpu")


def pipeline(components, speed):
    return Pipeline(components, "epsilon", CPU, torch.float32, speed=speed)


@pytest.mark.parametrize(
    "speed",
    [
        Speed(channels_last=True), Speed(vae_tiling=True), Speed(vae_tiling=False),
        *(Speed(attention=name) for name in ("flash", "efficient", "cudnn", "math")),
    ],
    ids=str,
)  # fmt: skip
def test_no_switch_decides_a_picture(tiny, components, make_job, speed):
    job = make_job(width=96)
    expected = tiny.picture(tiny.latents([job])[0])
    switched = pipeline(components, speed)
    found = switched.picture(switched.latents([job])[0])
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 3


def test_channels_stand_last_where_it_is_asked_for(components):
    def weight(last):
        pipeline(components, Speed(channels_last=last))
        return components.unet.conv_in.weight

    assert weight(last=True).is_contiguous(memory_format=torch.channels_last)
    assert weight(last=None).is_contiguous()


def test_the_kernel_is_the_one_that_was_asked_for(components, make_job, monkeypatch):
    attend, seen = torch.nn.functional.scaled_dot_product_attention, set()

    def watched(*args, **kwargs):
        seen.add((torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()))
        return attend(*args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    pipeline(components, Speed(attention="efficient")).latents([make_job()])
    assert seen == {(False, True)}
    assert torch.backends.cuda.flash_sdp_enabled()


def test_the_blocks_are_compiled_where_it_is_asked_for(components, monkeypatch):
    asked = []
    monkeypatch.setattr(
        components.unet, "compile_repeated_blocks", lambda **options: asked.append(options)
    )
    pipeline(components, Speed())
    assert not asked
    pipeline(components, Speed(compile=True))
    assert asked == [{"dynamic": False}]


@pytest.mark.parametrize(("tiling", "used"), [(True, [True]), (None, [False]), (False, [False])])
def test_the_vae_works_in_tiles_where_it_is_asked_for(components, monkeypatch, tiling, used):
    decode, tiled = components.vae.decode, []

    def watched(latent):
        tiled.append(components.vae.use_tiling)
        return decode(latent)

    monkeypatch.setattr(components.vae, "decode", watched)
    pipeline(components, Speed(vae_tiling=tiling)).picture(torch.zeros(4, 8, 8))
    assert tiled == used


def test_without_tiles_memory_that_runs_out_is_an_error(components, monkeypatch):
    def tight(latent):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(components.vae, "decode", tight)
    with pytest.raises(MemoryError):
        pipeline(components, Speed(vae_tiling=False)).picture(torch.zeros(4, 8, 8))


def test_a_batch_that_was_too_large_says_how_large_one_may_be(components, make_job, monkeypatch):
    """One picture that is too large says nothing of batches of smaller ones."""
    drawing = pipeline(components, Speed())
    forward = components.unet.forward

    def tight(noisy, *args, **kwargs):
        if len(noisy) > 4:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return forward(noisy, *args, **kwargs)

    monkeypatch.setattr(components.unet, "forward", tight)
    before = drawing.most_pixels
    with pytest.raises(MemoryError):
        drawing.latents([make_job(seed=seed) for seed in range(4)])
    assert drawing.most_pixels == 2 * 64 * 64 < before
    drawing.latents([make_job(seed=seed) for seed in range(2)])
    monkeypatch.setattr(components.unet, "forward", lambda *args, **kwargs: tight("too long"))
    with pytest.raises(MemoryError):
        drawing.latents([make_job()])
    assert drawing.most_pixels == 2 * 64 * 64
