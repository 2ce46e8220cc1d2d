from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from tagkit.rendering.sampling import (  # noqa: E402
    euler_ancestral,
    evenly_timed,
    time_of,
    training_sigmas,
)


def k_diffusion_sigmas(steps):
    """k-diffusion's `DiscreteSchedule.get_sigmas`, worked out number by number."""
    kept, logarithms = 1.0, []
    for index in range(1000):
        root = 0.00085**0.5 + (0.012**0.5 - 0.00085**0.5) * index / 999
        kept *= 1 - root * root
        logarithms.append(math.log(math.sqrt((1 - kept) / kept)))
    sigmas = []
    for number in range(steps):
        time = 999 - 999 * number / (steps - 1) if steps > 1 else 999
        low = math.floor(time)
        high = min(low + 1, 999)
        part = time - low
        sigmas.append(math.exp((1 - part) * logarithms[low] + part * logarithms[high]))
    return [*sigmas, 0.0]


@pytest.mark.parametrize("steps", [1, 2, 4, 25, 50, 150])
def test_sigmas_are_those_of_k_diffusion(steps):
    expected = torch.tensor(k_diffusion_sigmas(steps))
    assert torch.allclose(evenly_timed(steps), expected, rtol=1e-6, atol=0)


def test_sdxl_begins_at_its_known_level():
    assert evenly_timed(25)[0].item() == pytest.approx(14.6146, abs=1e-4)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers
@pytest.mark.parametrize("steps", [2, 4, 25, 50])
def test_diffusers_has_the_same_sigmas_and_times(steps):
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.EulerAncestralDiscreteScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        timestep_spacing="linspace",
        steps_offset=0,
    )
    scheduler.set_timesteps(steps)
    sigmas = evenly_timed(steps)
    assert torch.allclose(sigmas, scheduler.sigmas, rtol=1e-4, atol=0)
    assert torch.allclose(time_of(sigmas[:-1]).float(), scheduler.timesteps, atol=1e-3)


@given(st.floats(0, 999))
def test_time_is_the_inverse_of_the_schedule(time):
    logarithms = training_sigmas().log()
    low = int(time)
    high = min(low + 1, 999)
    sigma = torch.lerp(logarithms[low], logarithms[high], time - low).exp()
    assert time_of(sigma).item() == pytest.approx(time, abs=1e-6)


def test_a_perfect_denoiser_arrives_at_its_picture():
    goal = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    sigmas = evenly_timed(7)
    start = goal + sigmas[0] * torch.randn(goal.shape, generator=torch.Generator().manual_seed(2))
    end = euler_ancestral(
        lambda latents, sigma, step: goal, start, sigmas, lambda: torch.randn(goal.shape)
    )
    assert torch.allclose(end, goal, atol=1e-5)


def test_noise_is_drawn_between_steps_only():
    drawn, seen = [], []

    def noise():
        drawn.append(1)
        return torch.zeros(1, 4, 8, 8)

    def denoise(latents, sigma, step):
        seen.append((step, round(sigma.item(), 3)))
        return latents * 0

    euler_ancestral(denoise, torch.ones(1, 4, 8, 8), evenly_timed(5), noise)
    assert [step for step, _ in seen] == [0, 1, 2, 3, 4]
    assert len(drawn) == 4
