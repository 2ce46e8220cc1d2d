from __future__ import annotations

import copy
import importlib

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
np = pytest.importorskip("numpy")

import msgspec  # noqa: E402

from tagkit.errors import UserError  # noqa: E402
from tagkit.rendering.denoising import rescaled  # noqa: E402
from tagkit.rendering.guidance import guidance  # noqa: E402
from tagkit.rendering.pipeline import (  # noqa: E402
    Pipeline,
    find_device,
    find_dtype,
    first_pass,
)
from tagkit.rendering.sampler_names import SAMPLER_NAMES  # noqa: E402
from tagkit.rendering.schedules import noise_levels  # noqa: E402

CPU = torch.device("cpu")


def test_a_picture_does_not_depend_on_its_batch(tiny, make_job):
    jobs = [
        make_job(seed=1, prompt="1girl, blue hair"),
        make_job(seed=2, prompt="(1girl:1.2), [red|green] hair"),
        make_job(seed=3, prompt="sky AND sea :0.5", negative=""),
    ]
    together = [tiny.picture(latent) for latent in tiny.latents(jobs)]
    for job, picture in zip(jobs, together, strict=True):
        alone = tiny.picture(tiny.latents([job])[0])
        assert picture.shape == (64, 64, 3)
        assert np.abs(picture.astype(int) - alone.astype(int)).max() <= 3


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"prompt": "1girl, red hair"},
        {"prompt": "1girl, (blue hair:1.5)"},
        {"negative": ""},
        {"cfg": 6.0},
        {"steps": 4},
        {"rng": "nv"},
        {"sampler": "euler"},
        {"scheduler": "karras"},
        {"cfg_rescale": 0.7},
    ],
    ids=str,
)
def test_everything_that_is_said_reaches_the_picture(tiny, make_job, change):
    one, other = (tiny.latents([make_job(**fields)]) for fields in ({}, change))
    assert (one - other).abs().max() > 0.01


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_every_sampler_draws_pictures_and_redraws_them(tiny, make_job, sampler):
    """Prompts that change at each evaluation, and a guidance that takes several rows."""
    jobs = [make_job(seed=seed, sampler=sampler, prompt="[a|b] AND sky :0.5") for seed in (1, 2)]
    together = tiny.latents(jobs)
    assert torch.allclose(together[1], tiny.latents(jobs[1:])[0], atol=1e-2)
    passes = [msgspec.structs.replace(first_pass(job), denoise=0.5) for job in jobs]
    redrawn = tiny.repainted(together, passes)
    assert redrawn.isfinite().all()
    assert (redrawn - together).abs().max() > 0.01


def test_words_that_are_no_part_of_the_prompt_do_not(tiny, make_job):
    one, other = (tiny.latents([make_job(prompt=text)]) for text in ("1girl", "1girl<lora:x:1>"))
    assert torch.equal(one, other)


BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
LINSPACE = {**BETAS, "timestep_spacing": "linspace", "steps_offset": 0}
# diffusers puts the highest level of zero-terminal SNR elsewhere.
ZERO_SNR = {**LINSPACE, "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers
@pytest.mark.parametrize(
    ("sampler", "kind", "options", "rescale"),
    [
        ("euler-a", "EulerAncestralDiscreteScheduler", LINSPACE, 0.0),
        ("euler", "EulerDiscreteScheduler", LINSPACE, 0.0),
        ("euler", "EulerDiscreteScheduler", ZERO_SNR, 0.7),
        ("dpm++-2m", "DPMSolverMultistepScheduler", {**LINSPACE, "use_karras_sigmas": True}, 0.7),
    ],
)
def test_latents_are_those_of_diffusers_with_a1111_settings(
    components, make_job, sampler, kind, options, rescale
):
    """Same embeddings, same generators, its own loop and scheduler."""
    prediction = "v-prediction" if options is ZERO_SNR else "epsilon"
    ours = Pipeline(components, prediction, CPU, torch.float32, zero_snr=options is ZERO_SNR)
    scheduler = getattr(diffusers, kind)(**options)
    pipeline = diffusers.StableDiffusionXLPipeline(
        components.vae, components.text_encoder, components.text_encoder_2, None, None,
        components.unet, scheduler, add_watermarker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    jobs = [
        make_job(seed=seed, width=64, height=96, steps=12, sampler=sampler, cfg_rescale=rescale)
        for seed in (5, 9)
    ]
    said = guidance(jobs[0].prompt, jobs[0].negative, 12)
    [(positive, _)] = ours._conditioner.positive(said, 0)
    negative = ours._conditioner.negative(said, 0)
    expected = pipeline(
        prompt_embeds=positive.context.expand(2, -1, -1),
        pooled_prompt_embeds=positive.pooled.expand(2, -1),
        negative_prompt_embeds=negative.context.expand(2, -1, -1),
        negative_pooled_prompt_embeds=negative.pooled.expand(2, -1),
        generator=[torch.Generator("cpu").manual_seed(job.seed) for job in jobs],
        width=64, height=96, num_inference_steps=12, guidance_scale=5.0,
        guidance_rescale=rescale, output_type="latent",
    ).images  # fmt: skip
    found = ours.latents(jobs)
    # Its DPM-Solver begins with noise of variance 1 and rounds times.
    tolerance = 0.03 if sampler == "dpm++-2m" else 0.01
    assert (found - expected).abs().max() < tolerance * expected.abs().max()


def test_rescaling_is_that_of_diffusers():
    module = "diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl"
    guided, positive = torch.randn(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    for share in (0.2, 0.7, 1.0):
        expected = importlib.import_module(module).rescale_noise_cfg(guided * 5, positive, share)
        assert torch.allclose(rescaled(guided * 5, positive, share), expected, atol=1e-5)


def test_equal_and_parts_are_one_prompt(tiny, make_job):
    """Two halves of the same words pull exactly as the whole."""
    whole = tiny.latents([make_job(prompt="sky")])
    halves = tiny.latents([make_job(prompt="sky :0.5 AND sky :0.5")])
    assert torch.allclose(whole, halves, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("cfg", "prompt", "rows"),
    [
        (1.0, "sky", {1}),
        (1.0, "sky :0.25 AND sea :0.75", {2}),
        (1.0, "sky AND sea", {3}),
        (1.5, "sky", {2}),
    ],
)
def test_without_a_pull_the_negative_prompt_costs_nothing(
    components, make_job, monkeypatch, cfg, prompt, rows
):
    """And the picture is what it would be, were it drawn with it."""
    forward, seen = components.unet.forward, set()

    def watched(noisy, *args, **kwargs):
        seen.add(len(noisy))
        return forward(noisy, *args, **kwargs)

    pipeline = Pipeline(components, "epsilon", CPU, torch.float32)
    with monkeypatch.context() as patch:
        patch.setattr(components.unet, "forward", watched)
        found = pipeline.latents([make_job(cfg=cfg, prompt=prompt)])
    assert seen == rows
    expected = pipeline.latents([make_job(cfg=cfg + 1e-6, prompt=prompt)])
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-2)


def test_v_prediction_is_another_reading_of_the_same_network(components, make_job):
    by_epsilon, by_v = (
        Pipeline(components, prediction, CPU, torch.float32).latents([make_job(steps=1)])
        for prediction in ("epsilon", "v-prediction")
    )
    start = torch.randn((4, 8, 8), generator=torch.Generator().manual_seed(1))
    sigma = noise_levels("euler-a", "automatic", 1)[0]
    start = start * sigma
    output = (start - by_epsilon) / sigma
    expected = start / (sigma**2 + 1) - output * sigma / (sigma**2 + 1).sqrt()
    assert torch.allclose(by_v, expected, atol=1e-4)


def test_a_decoder_that_overflows_is_asked_again_in_full_precision(components):
    class Overflowing(torch.nn.Module):
        config = components.vae.config
        dtype = torch.float16

        def float(self):
            self.dtype = torch.float32
            return self

        def to(self, *args, **kwargs):
            return self

        def decode(self, latent):
            value = torch.full((1, 3, 64, 64), float("nan"))
            picture = value if self.dtype == torch.float16 else value.fill_(1.0)
            return type("Output", (), {"sample": picture})

    vae = Overflowing()
    pipeline = Pipeline(components._replace(vae=vae), "epsilon", CPU, torch.float32)
    assert (pipeline.picture(torch.zeros(4, 8, 8)) == 255).all()
    assert vae.dtype == torch.float32


def test_latents_that_are_not_finite_are_an_error(tiny):
    with pytest.raises(UserError, match="finite"):
        tiny.picture(torch.full((4, 8, 8), float("nan")))


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_every_kind_of_memory_error_is_one(components, make_job, error):
    class Greedy(torch.nn.Module):
        dtype = torch.float32

        def to(self, *args, **kwargs):
            return self

        def forward(self, *args, **kwargs):
            raise error

    pipeline = Pipeline(components._replace(unet=Greedy()), "epsilon", CPU, torch.float32)
    with pytest.raises(MemoryError):
        pipeline.latents([make_job()])


def test_a_picture_too_large_for_memory_is_decoded_in_tiles(tiny, components, monkeypatch):
    whole = tiny.picture(torch.zeros(4, 8, 8))
    decode, tiled = components.vae.decode, []

    def tight(latent):
        tiled.append(components.vae.use_tiling)
        if not components.vae.use_tiling:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return decode(latent)

    monkeypatch.setattr(components.vae, "decode", tight)
    assert np.array_equal(tiny.picture(torch.zeros(4, 8, 8)), whole)
    assert tiled == [False, True]
    assert not components.vae.use_tiling


@pytest.mark.parametrize("name", ["cpu:x", "toaster", "cuda:99"])
def test_a_device_that_is_none_is_an_error(name):
    with pytest.raises(UserError, match=name):
        find_device(name)


def test_the_cpu_computes_in_full_precision():
    assert find_dtype("auto", find_device("cpu")) == torch.float32
    assert find_dtype("auto", torch.device("cuda")) == torch.float16
    assert find_dtype("bfloat16", CPU) == torch.bfloat16


def test_half_precision_gives_the_same_picture(components, make_job):
    job = make_job(steps=4)
    # Copies: what is rounded once stays so, and other tests share these networks.
    half = type(components)(*map(copy.deepcopy, components))
    pipeline = Pipeline(half, "epsilon", CPU, torch.bfloat16)
    found = pipeline.picture(pipeline.latents([job])[0])
    whole = Pipeline(components, "epsilon", CPU, torch.float32)
    expected = whole.picture(whole.latents([job])[0])
    assert np.abs(found.astype(int) - expected.astype(int)).mean() < 12


def test_a_job_is_only_read(tiny, make_job):
    job = make_job()
    before = msgspec.json.encode(job)
    tiny.latents([job])
    assert msgspec.json.encode(job) == before
