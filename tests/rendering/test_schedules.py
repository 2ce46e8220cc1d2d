from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from tagkit.rendering.noise import BatchNoise  # noqa: E402
from tagkit.rendering.sampler_names import SAMPLER_NAMES, SCHEDULER_NAMES  # noqa: E402
from tagkit.rendering.sampling import redrawn  # noqa: E402
from tagkit.rendering.schedules import (  # noqa: E402
    noise_levels,
    redrawing_levels,
    time_of,
    training_sigmas,
)

UNSAID = "automatic"


def trained_levels():
    """The noise level of each training step, worked out number by number."""
    kept, levels = 1.0, []
    for index in range(1000):
        root = 0.00085**0.5 + (0.012**0.5 - 0.00085**0.5) * index / 999
        kept *= 1 - root * root
        levels.append(math.sqrt((1 - kept) / kept))
    return levels


LEVELS = trained_levels()
LOW, HIGH = LEVELS[0], LEVELS[-1]


def level_at(time):
    """k-diffusion's `t_to_sigma`."""
    low = math.floor(time)
    high, part = min(low + 1, 999), time - low
    return math.exp((1 - part) * math.log(LEVELS[low]) + part * math.log(LEVELS[high]))


def ramp(start, end, steps):
    return [start + (end - start) * step / max(steps - 1, 1) for step in range(steps)]


EXPECTED = {
    "uniform": lambda n: [level_at(time) for time in ramp(999, 0, n)],
    "normal": lambda n: [level_at(time) for time in ramp(999, 0, n)],
    "karras": lambda n: [
        (HIGH ** (1 / 7) + part * (LOW ** (1 / 7) - HIGH ** (1 / 7))) ** 7 for part in ramp(0, 1, n)
    ],
    "exponential": lambda n: [math.exp(log) for log in ramp(math.log(HIGH), math.log(LOW), n)],
    "sgm-uniform": lambda n: [level_at(time) for time in ramp(999, 0, n + 1)[:-1]],
    "simple": lambda n: [LEVELS[-(1 + int(step * (1000 / n)))] for step in range(n)],
}


@pytest.mark.parametrize("steps", [1, 2, 3, 25, 50, 150])
@pytest.mark.parametrize("scheduler", [*EXPECTED])
def test_levels_are_those_of_k_diffusion(scheduler, steps):
    expected = torch.tensor([*EXPECTED[scheduler](steps), 0.0])
    found = noise_levels("euler", scheduler, steps)
    assert torch.allclose(found, expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("sampler", "scheduler"),
    [
        ("euler-a", "uniform"),
        ("euler", "uniform"),
        ("dpm++-2m", "karras"),
        ("dpm++-2m-sde", "exponential"),
        ("dpm++-sde", "karras"),
        ("dpm++-2s-a", "karras"),
    ],
)
def test_automatic_is_what_a1111_takes_for_the_sampler(sampler, scheduler):
    found = noise_levels(sampler, UNSAID, 20)
    assert torch.equal(found, noise_levels(sampler, scheduler, 20))


@pytest.mark.parametrize(("steps", "times"), [(25, 25), (20, 20), (30, 31), (28, 29), (2, 2)])
def test_ddim_has_the_times_of_a1111(steps, times):
    found = time_of(noise_levels("ddim", UNSAID, steps))
    expected = [min(time + 1, 999) for time in range(0, 1000, 1000 // steps)][::-1]
    assert len(found) == times
    assert found.tolist() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("steps", "evaluations"), [(25, 25), (30, 31), (1, 1)])
def test_unipc_has_the_times_of_a1111(steps, evaluations):
    """Its own schedule interpolates the logarithm of the signal; the levels are the same."""
    found = noise_levels("unipc", UNSAID, steps)
    signal = [-0.5 * math.log1p(level**2) for level in LEVELS]
    assert len(found) == evaluations + 1
    for level, time in zip(found.tolist(), ramp(999, 0, evaluations + 1), strict=True):
        low = min(math.floor(time), 998)
        part = signal[low] + (time - low) * (signal[low + 1] - signal[low])
        assert level == pytest.approx(math.sqrt(math.expm1(-2 * part)), rel=2e-4)


def test_sdxl_begins_at_its_known_level():
    assert noise_levels("euler-a", UNSAID, 25)[0].item() == pytest.approx(14.6146, abs=1e-4)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers
@pytest.mark.parametrize("options", [{}, {"use_karras_sigmas": True}], ids=["uniform", "karras"])
@pytest.mark.parametrize("steps", [2, 4, 25, 50])
def test_diffusers_has_the_same_levels_and_times(steps, options):
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        timestep_spacing="linspace",
        steps_offset=0,
        **options,
    )
    scheduler.set_timesteps(steps)
    sigmas = noise_levels("euler", "karras" if options else "uniform", steps)
    assert torch.allclose(sigmas, scheduler.sigmas, rtol=1e-4, atol=0)
    assert torch.allclose(time_of(sigmas[:-1]).float(), scheduler.timesteps.float(), atol=2e-3)


@given(st.floats(0, 999), st.booleans())
def test_time_is_the_inverse_of_the_schedule(time, zero_snr):
    logarithms = training_sigmas(zero_snr).log()
    low = int(time)
    high = min(low + 1, 999)
    sigma = torch.lerp(logarithms[low], logarithms[high], time - low).exp()
    assert time_of(sigma, zero_snr).item() == pytest.approx(time, abs=1e-6)


def test_zero_terminal_snr_is_that_of_the_paper():
    schedulers = pytest.importorskip("diffusers.schedulers.scheduling_ddim")
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    kept = (1 - schedulers.rescale_zero_terminal_snr(betas)).cumprod(0)
    expected = ((1 - kept) / kept).sqrt()
    assert torch.allclose(training_sigmas(True)[:-1], expected[:-1], rtol=1e-6)


def test_zero_terminal_snr_ends_where_a1111_ends():
    """Nothing but noise would be infinitely noisy, so all programs keep a trace of the picture."""
    levels = noise_levels("euler", UNSAID, 28, zero_snr=True)
    assert levels[0].item() == pytest.approx(4518.77, rel=1e-5)
    assert levels[-2].item() == pytest.approx(LOW, rel=1e-4)
    assert (levels.diff() < 0).all()


@pytest.mark.parametrize(
    ("steps", "denoise", "start"),
    [(25, 0.45, 1.3449), (25, 0.40, 1.1381), (25, 0.50, 1.5617), (15, 0.45, 1.3147)],
)
def test_hires_begins_where_a1111_begins(steps, denoise, start):
    levels, index = redrawing_levels("euler-a", UNSAID, steps, denoise, exact=True)
    assert len(levels) == int(steps / denoise) + 1
    assert levels[index].item() == pytest.approx(start, abs=1e-4)


@pytest.mark.parametrize("steps", range(1, 61))
def test_hires_asks_as_often_as_it_says(steps):
    """For every share that a job file can ask for in hundredths."""
    goal = torch.zeros(1, 4, 2, 2)
    for percent in range(5, 101):
        calls: list[int] = []

        def denoise(latents, sigma, step, calls=calls):
            calls.append(step)
            return goal

        levels, start = redrawing_levels("euler-a", UNSAID, steps, percent / 100, exact=True)
        noise = BatchNoise("cpu", [1], goal.shape[1:], torch.device("cpu"))
        redrawn("euler-a", denoise, goal, levels, start, noise)
        assert calls == list(range(steps)), percent


@settings(deadline=None)
@given(
    st.sampled_from(SAMPLER_NAMES),
    st.sampled_from(SCHEDULER_NAMES),
    st.integers(1, 60),
    st.integers(5, 100),
)
def test_hires_takes_as_many_steps_as_it_says(sampler, scheduler, steps, percent):
    levels, start = redrawing_levels(sampler, scheduler, steps, percent / 100, exact=True)
    assert len(levels) - 1 - start == steps
    assert start >= 0
    assert (levels[start:].diff() < 0).all()


@settings(deadline=None)
@given(
    st.sampled_from(SAMPLER_NAMES),
    st.sampled_from(SCHEDULER_NAMES),
    st.integers(1, 60),
    st.integers(0, 100),
)
def test_img2img_takes_a_share_of_the_steps_and_one(sampler, scheduler, steps, percent):
    levels, start = redrawing_levels(sampler, scheduler, steps, percent / 100, exact=False)
    assert len(levels) - 1 - start == int(min(percent / 100, 0.999) * steps) + 1
    assert start >= 0


def test_img2img_counts_as_adetailer_does():
    levels, start = redrawing_levels("euler-a", UNSAID, 25, 0.4, exact=False)
    assert len(levels) - 1 - start == 11


def test_nothing_drawn_anew_takes_no_step():
    levels, start = redrawing_levels("euler-a", UNSAID, 25, 0.0, exact=True)
    assert start == len(levels) - 1
