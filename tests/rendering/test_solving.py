"""Samplers against the formulas of their papers, and against what can be solved on paper."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from tagkit.rendering import sampling  # noqa: E402
from tagkit.rendering.noise import BatchNoise  # noqa: E402
from tagkit.rendering.sampler_names import SAMPLER_NAMES  # noqa: E402
from tagkit.rendering.schedules import noise_levels  # noqa: E402
from tagkit.rendering.unipc import unipc  # noqa: E402


def two_pictures(latents, sigma):
    """The best guess if every number is -1 or 1: a model that is far from a straight line."""
    return torch.tanh(latents / sigma**2)


def random_latents(seed=1):
    return torch.randn((2, 4, 8, 8), generator=torch.Generator().manual_seed(seed))


def many_numbers():
    return BatchNoise("cpu", [1], (300, 300), torch.device("cpu"))


def silent(above, below):
    raise AssertionError("this sampler draws no noise")


def ancestral(above, below):
    up = min(below, math.sqrt(below**2 * (above**2 - below**2) / above**2))
    return math.sqrt(below**2 - up**2), up


def dpm_step(latents, picture, start, end):
    """DPM-Solver++'s first-order step in half the logarithm of the signal-to-noise ratio."""
    reach = math.log(start) - math.log(end)
    return end / start * latents - math.expm1(-reach) * picture


def reference_sde(latents, above, below, noise):
    picture = two_pictures(latents, above)
    middle = math.exp((math.log(above) + math.log(below)) / 2)
    down, up = ancestral(above, middle)
    halfway = dpm_step(latents, picture, above, down) + noise(above, middle) * up
    down, up = ancestral(above, below)
    picture = two_pictures(halfway, middle)
    return dpm_step(latents, picture, above, down) + noise(above, below) * up


def reference_2s(latents, above, below, noise):
    picture = two_pictures(latents, above)
    down, up = ancestral(above, below)
    middle = math.exp((math.log(above) + math.log(down)) / 2)
    picture = two_pictures(dpm_step(latents, picture, above, middle), middle)
    return dpm_step(latents, picture, above, down) + noise(above, below) * up


@pytest.mark.parametrize(
    ("sampler", "reference"), [("dpm++-sde", reference_sde), ("dpm++-2s-a", reference_2s)]
)
def test_second_order_steps_are_those_of_the_paper(sampler, reference):
    def noise(above, below):
        seed = round(float(above) * 1000) * 100 + round(float(below) * 100)
        return random_latents(seed)

    sigmas = noise_levels(sampler, "karras", 6)[2:6]
    latents = expected = random_latents() * sigmas[0]
    for above, below in zip(sigmas[:-1].tolist(), sigmas[1:].tolist(), strict=True):
        expected = reference(expected, above, below, noise)
    found = sampling.SAMPLERS[sampler](
        lambda seen, sigma, step: two_pictures(seen, sigma), latents, sigmas, noise
    )
    assert torch.allclose(found, expected, atol=1e-4)


def test_ddim_is_that_of_its_paper():
    """Equation 12 without noise, on latents of variance 1, down to A1111's last time."""
    sigmas = noise_levels("ddim", "automatic", 8)
    kept = (1 / (sigmas.double() ** 2 + 1)).tolist()
    noise = random_latents()
    latents = noise.double()
    for sigma, now, after in zip(sigmas[:-1].double(), kept[:-1], kept[1:], strict=True):
        picture = two_pictures(latents / math.sqrt(now), sigma)
        said = (latents - math.sqrt(now) * picture) / math.sqrt(1 - now)
        latents = math.sqrt(after) * picture + math.sqrt(1 - after) * said
    start = noise * (sigmas[0] ** 2 + 1).sqrt()
    found = sampling.SAMPLERS["ddim"](
        lambda seen, sigma, step: two_pictures(seen, sigma), start, sigmas, silent
    )
    assert torch.allclose(found.double(), latents, atol=1e-4)


CENTRE, SPREAD = 0.2, 0.7


def normal_pictures(latents, sigma, step):
    """The best guess if pictures are normal, with CENTRE and SPREAD."""
    total = SPREAD**2 + sigma**2
    return (SPREAD**2 * latents + sigma**2 * CENTRE) / total


def error_after(solve, steps):
    """How far off it is from the flow's exact solution between two levels."""
    sigmas = torch.linspace(math.log(8), math.log(0.2), steps + 1, dtype=torch.float64).exp()
    start = torch.tensor([[9.0]], dtype=torch.float64)
    high, low = (math.sqrt(SPREAD**2 + sigma**2) for sigma in sigmas[[0, -1]].tolist())
    return abs(solve(start, sigmas).item() - (CENTRE + (9.0 - CENTRE) * low / high))


@pytest.mark.parametrize(
    ("solve", "order"),
    [
        (lambda start, sigmas: sampling.euler(normal_pictures, start, sigmas, silent), 1),
        (lambda start, sigmas: sampling.dpmpp_2m(normal_pictures, start, sigmas, silent), 2),
        # Third order, but for its first and last steps.
        (lambda start, sigmas: unipc(normal_pictures, start, sigmas), 2),
    ],
    ids=["euler", "dpm++-2m", "unipc"],
)
def test_twice_the_steps_divide_the_error_by_the_order(solve, order):
    measured = math.log2(error_after(solve, 64) / error_after(solve, 128))
    assert measured > order - 0.25


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_pictures_are_spread_as_those_that_were_learnt(sampler):
    noise = many_numbers()
    sigmas = noise_levels(sampler, "automatic", 60)
    end = sampling.drawn(sampler, normal_pictures, sigmas, noise)
    assert end.mean().item() == pytest.approx(CENTRE, abs=0.02)
    assert end.std().item() == pytest.approx(SPREAD, abs=0.05)


@pytest.mark.parametrize("sampler", ["euler-a", "dpm++-2m-sde", "dpm++-sde", "dpm++-2s-a"])
def test_more_steps_bring_the_spread_nearer(sampler):
    def off(steps):
        noise = many_numbers()
        sigmas = noise_levels(sampler, "karras", steps)
        return abs(sampling.drawn(sampler, normal_pictures, sigmas, noise).std().item() - SPREAD)

    assert off(40) < 0.6 * off(5)
