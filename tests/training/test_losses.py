from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from tagkit.rendering.denoising import Denoiser  # noqa: E402
from tagkit.rendering.prediction import Prediction  # noqa: E402
from tagkit.training.losses import (  # noqa: E402
    levels_at,
    loss_of,
    min_snr_weights,
    noised,
    wanted,
)

EPSILON, V = Prediction("epsilon", zero_snr=False), Prediction("v-prediction", zero_snr=True)
TIMES = torch.tensor([0, 300, 700, 999])


def drawn(trained):
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(4, 4, 16, 16, generator=generator)
    noise = torch.randn(4, 4, 16, 16, generator=generator)
    return latents, noise, levels_at(TIMES, trained)


def test_levels_are_those_that_the_schedulers_of_diffusers_train_with():
    diffusers = pytest.importorskip("diffusers")
    for trained in (EPSILON, V):
        scheduler = diffusers.DDPMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
            rescale_betas_zero_snr=trained.zero_snr, prediction_type=trained.kind.replace("-", "_"),
        )  # fmt: skip
        latents, noise, levels = drawn(trained)
        theirs = scheduler.add_noise(latents, noise, TIMES)
        assert torch.allclose(noised(latents, noise, levels), theirs, atol=2e-3)
        if trained.kind == "v-prediction":
            velocity = scheduler.get_velocity(latents, noise, TIMES)
            assert torch.allclose(wanted(latents, noise, levels, trained), velocity, atol=2e-3)


@pytest.mark.parametrize("trained", [EPSILON, V], ids=lambda trained: trained.kind)
def test_a_unet_that_says_what_is_wanted_gives_the_renderer_the_picture_back(trained):
    """The renderer's own formula, with a UNet that knows the answer."""
    latents, noise, levels = drawn(trained)
    level = levels[1:2]
    answer = wanted(latents[1:2], noise[1:2], level, trained)

    class Unet:
        dtype = torch.float32

        def __call__(self, seen, *_args, **_options):
            assert torch.allclose(seen[:1], noised(latents[1:2], noise[1:2], level), atol=1e-5)
            return type("Output", (), {"sample": answer.repeat(len(seen), 1, 1, 1)})

    denoiser = Denoiser(Unet(), None, [], 1.0, trained.kind, 0.0, trained.zero_snr)
    rows = type("Rows", (), {})()
    rows.owners, rows.weights = torch.tensor([0]), torch.ones(1, 1, 1, 1)
    rows.context = rows.pooled = torch.zeros(2, 1)
    denoiser._rows_at = lambda step: rows
    picture = denoiser(latents[1:2] + noise[1:2] * level, level.flatten()[0], 0)
    assert torch.allclose(picture, latents[1:2], atol=1e-4)


def test_min_snr_weights_are_the_paper_s():
    levels = torch.tensor([0.1, 1.0, 10.0])[:, None, None, None]
    ratio = torch.tensor([100.0, 1.0, 0.01])
    assert min_snr_weights(levels, 5, EPSILON).flatten().tolist() == pytest.approx([0.05, 1, 1])
    expected = (ratio.clamp(max=5) / (ratio + 1)).tolist()
    assert min_snr_weights(levels, 5, V).flatten().tolist() == pytest.approx(expected)
    assert min_snr_weights(levels, None, V).flatten().tolist() == [1, 1, 1]


def test_the_loss_is_weighted_picture_by_picture():
    said, target = torch.zeros(2, 4, 8, 8), torch.ones(2, 4, 8, 8)
    weights = torch.tensor([1.0, 3.0])[:, None, None, None]
    assert loss_of(said, target, weights).item() == 2
