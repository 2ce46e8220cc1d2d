from __future__ import annotations

import math
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from tagkit.rendering import sampling  # noqa: E402
from tagkit.rendering.noise import BatchNoise  # noqa: E402
from tagkit.rendering.sampler_names import (  # noqa: E402
    SAMPLER_NAMES,
    SAMPLER_TRAITS,
    SCHEDULER_NAMES,
)
from tagkit.rendering.schedules import noise_levels, redrawing_levels  # noqa: E402

SHAPE = (4, 8, 8)
CPU = torch.device("cpu")


def batch_noise(seeds=(1, 2), shape=SHAPE):
    return BatchNoise("cpu", seeds, shape, CPU)


def two_pictures(latents, sigma, step):
    """The best guess if every number is -1 or 1: a model that is far from a straight line."""
    return torch.tanh(latents / sigma**2)


def random_latents(seed=1):
    return torch.randn((2, *SHAPE), generator=torch.Generator().manual_seed(seed))


def silent(above, below):
    raise AssertionError("this sampler draws no noise")


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
@pytest.mark.parametrize("scheduler", SCHEDULER_NAMES)
@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_a_perfect_denoiser_arrives_at_its_picture(sampler, scheduler, steps):
    goal = random_latents()
    sigmas = noise_levels(sampler, scheduler, steps)
    end = sampling.drawn(sampler, lambda latents, sigma, step: goal, sigmas, batch_noise())
    left = sigmas[-1].item()
    assert torch.allclose(end, goal / math.sqrt(left**2 + 1), atol=1e-4 + 6 * left)


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_every_evaluation_is_counted(sampler):
    seen = []

    def denoise(latents, sigma, step):
        seen.append(step)
        return latents * 0

    sigmas = noise_levels(sampler, "karras", 5)
    sampling.drawn(sampler, denoise, sigmas, batch_noise())
    order = SAMPLER_TRAITS[sampler].order
    # The last step of the second-order samplers ends at the picture that it begins with.
    assert seen == list(range(5 * order - (order - 1)))


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_a_picture_does_not_depend_on_its_batch(sampler):
    sigmas = noise_levels(sampler, "automatic", 6)
    together = sampling.drawn(sampler, two_pictures, sigmas, batch_noise([4, 5]))
    alone = sampling.drawn(sampler, two_pictures, sigmas, batch_noise([5]))
    assert torch.allclose(together[1], alone[0], atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_redrawing_begins_with_the_picture_and_fresh_noise(sampler):
    first = []

    def denoise(latents, sigma, step):
        first.append(latents)
        return latents * 0

    original = random_latents(3)
    sigmas, start = redrawing_levels(sampler, "automatic", 8, 0.5, exact=True)
    sampling.redrawn(sampler, denoise, original, sigmas, start, batch_noise())
    expected = original + sigmas[start] * batch_noise().draw()
    assert torch.equal(first[0], expected)


def test_nothing_drawn_anew_is_the_same_picture():
    sigmas, start = redrawing_levels("unipc", "automatic", 8, 0.0, exact=True)
    original = random_latents(3)
    assert sampling.redrawn("unipc", silent, original, sigmas, start, batch_noise()) is original


def test_the_brownian_motion_of_a_redrawn_picture_spans_the_whole_way():
    """A1111 makes it from all levels, not from those that are left."""
    seen = []

    def denoise(latents, sigma, step):
        seen.append(latents)
        return latents * 0

    original = random_latents(3)
    sigmas, start = redrawing_levels("dpm++-2m-sde", "automatic", 3, 0.5, exact=True)
    sampling.redrawn("dpm++-2m-sde", denoise, original, sigmas, start, batch_noise())
    noise = batch_noise()
    motion = noise.brownian(sigmas[-2].item(), sigmas[0].item())
    expected = original + noise.draw() * sigmas[start]
    for above, below in pairwise(sigmas[start:-1]):
        ratio = below / above
        expected = expected * ratio**2 + motion(above, below) * below * (1 - ratio**2) ** 0.5
    assert torch.allclose(seen[-1], expected, atol=1e-6)


BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
LINSPACE = {**BETAS, "timestep_spacing": "linspace", "steps_offset": 0}
KARRAS = {**LINSPACE, "use_karras_sigmas": True}
# Name of the class, its settings, and whether its latents are of variance 1 with the noise.
DIFFUSERS = {
    "euler": ("EulerDiscreteScheduler", LINSPACE, False),
    "euler-a": ("EulerAncestralDiscreteScheduler", LINSPACE, False),
    "dpm++-2m": ("DPMSolverMultistepScheduler", KARRAS, True),
    "dpm++-2m-sde": (
        "DPMSolverMultistepScheduler", {**KARRAS, "algorithm_type": "sde-dpmsolver++"}, True,
    ),
    # Its last level must not be 0: it would divide 0 by it.
    "unipc": (
        "UniPCMultistepScheduler",
        {**KARRAS, "solver_order": 3, "solver_type": "bh1", "final_sigmas_type": "sigma_min"},
        True,
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers
@pytest.mark.parametrize("steps", [3, 4, 12])
@pytest.mark.parametrize("sampler", DIFFUSERS)
def test_diffusers_comes_to_the_same_end(sampler, steps):
    diffusers = pytest.importorskip("diffusers")
    kind, options, scaled = DIFFUSERS[sampler]
    scheduler = getattr(diffusers, kind)(**options)
    scheduler.set_timesteps(steps)
    sigmas = scheduler.sigmas
    start = random_latents() * sigmas[0]
    expected = by_diffusers(scheduler, start, scaled, noisy=sampler == "dpm++-2m-sde")
    draws = torch.Generator().manual_seed(7)
    found = sampling.SAMPLERS[sampler](
        two_pictures, start, sigmas, lambda *_: torch.randn(start.shape, generator=draws)
    )
    assert torch.allclose(found, expected, atol=2e-4)


def by_diffusers(scheduler, latents, scaled, noisy):
    """Its own loop; both sides draw their noise from equal generators."""
    draws = torch.Generator().manual_seed(7)
    sigmas = scheduler.sigmas
    size = (sigmas**2 + 1).sqrt() if scaled else torch.ones(len(sigmas))
    latents = latents / size[0]
    for index, time in enumerate(scheduler.timesteps):
        seen = latents * size[index]
        slope = (seen - two_pictures(seen, sigmas[index], index)) / sigmas[index]
        more = {"generator": draws} if "Ancestral" in type(scheduler).__name__ else {}
        if noisy:
            more = {"variance_noise": torch.randn(latents.shape, generator=draws)}
        if hasattr(scheduler, "scale_model_input"):
            scheduler.scale_model_input(latents, time)
        latents = scheduler.step(slope, time, latents, **more).prev_sample
    return latents


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers
@pytest.mark.parametrize("steps", [10, 20, 25])
def test_ddim_is_that_of_diffusers_but_for_its_last_step(steps):
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DDIMScheduler(
        **BETAS, timestep_spacing="leading", steps_offset=1, set_alpha_to_one=False,
        clip_sample=False,
    )  # fmt: skip
    scheduler.set_timesteps(steps)
    latents = batch_noise().draw()
    for time in scheduler.timesteps[:-1]:
        kept = scheduler.alphas_cumprod[time]
        seen, sigma = latents / kept.sqrt(), ((1 - kept) / kept).sqrt()
        slope = (seen - two_pictures(seen, sigma, 0)) / sigma
        latents = scheduler.step(slope, time, latents).prev_sample
    found = sampling.drawn(
        "ddim", two_pictures, noise_levels("ddim", "automatic", steps), batch_noise()
    )
    assert torch.allclose(found, latents, atol=2e-4)
