from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
np = pytest.importorskip("numpy")

import msgspec  # noqa: E402

from tagkit.rendering.guidance import guidance  # noqa: E402
from tagkit.rendering.pipeline import Pass, Pipeline, first_pass  # noqa: E402
from tagkit.rendering.schedules import redrawing_levels  # noqa: E402


@pytest.fixture
def latents():
    return torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def make_pass(make_job):
    def make(**fields: object) -> Pass:
        return msgspec.structs.replace(first_pass(make_job()), **fields)

    return make


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers
@pytest.mark.parametrize(("denoise", "exact"), [(0.45, True), (0.4, False)])
def test_latents_are_those_of_diffusers_with_a1111_steps(
    tiny, components, make_pass, latents, denoise, exact
):
    """Its img2img evaluates int(steps * strength) times; half a step more hits the count."""
    scheduler = diffusers.EulerAncestralDiscreteScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012,
        timestep_spacing="linspace", steps_offset=0,
    )  # fmt: skip
    pipeline = diffusers.StableDiffusionXLImg2ImgPipeline(
        components.vae, components.text_encoder, components.text_encoder_2, None, None,
        components.unet, scheduler, add_watermarker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    passes = [make_pass(seed=seed, steps=8, denoise=denoise, exact=exact) for seed in (5, 9)]
    steps = int(8 / denoise) if exact else 8
    evaluations = 8 if exact else int(8 * denoise) + 1
    said = guidance(passes[0].prompt, passes[0].negative, 8)
    [(positive, _)] = tiny._conditioner.positive(said, 0)
    negative = tiny._conditioner.negative(said, 0)
    expected = pipeline(
        image=latents, strength=(evaluations + 0.5) / steps, num_inference_steps=steps,
        prompt_embeds=positive.context.expand(2, -1, -1),
        pooled_prompt_embeds=positive.pooled.expand(2, -1),
        negative_prompt_embeds=negative.context.expand(2, -1, -1),
        negative_pooled_prompt_embeds=negative.pooled.expand(2, -1),
        generator=[torch.Generator("cpu").manual_seed(each.seed) for each in passes],
        original_size=(64, 96), target_size=(64, 96), guidance_scale=5.0, output_type="latent",
    ).images  # fmt: skip
    found = tiny.repainted(latents, passes)
    assert (found - expected).abs().max() < 0.01 * expected.abs().max()


def test_a_latent_does_not_depend_on_its_batch(tiny, make_pass, latents):
    passes = [make_pass(seed=seed, denoise=0.5) for seed in (1, 2)]
    together = tiny.repainted(latents, passes)
    for index, one in enumerate(passes):
        alone = tiny.repainted(latents[index : index + 1], [one])
        assert torch.allclose(together[index], alone[0], atol=1e-3)


def test_outside_of_the_mask_nothing_changes(tiny, make_pass, latents):
    mask = torch.zeros(2, 1, 8, 12)
    mask[:, :, 2:6, 3:9] = 1
    found = tiny.repainted(latents, [make_pass(denoise=0.6)] * 2, mask)
    outside = (mask == 0).expand_as(found)
    assert torch.equal(found[outside], latents[outside])
    assert (found - latents)[~outside].abs().mean() > 0.05


def test_inside_of_the_mask_the_original_is_seen_around_it(components, make_pass, latents):
    """After each step the model's picture is the original outside of the mask."""
    seen = []

    class Watched(torch.nn.Module):
        dtype = torch.float32

        def forward(self, noisy, *args, **kwargs):
            seen.append(noisy)
            return type("Output", (), {"sample": torch.zeros_like(noisy)})

    pipeline = Pipeline(
        components._replace(unet=Watched()), "epsilon", torch.device("cpu"), torch.float32
    )
    one = make_pass(steps=2, denoise=0.5, exact=True, negative=make_pass().prompt)
    pipeline.repainted(latents[:1], [one], torch.zeros(1, 1, 8, 12))
    draw = torch.Generator("cpu").manual_seed(one.seed)
    first, second = (torch.randn(latents[:1].shape, generator=draw) for _ in range(2))
    levels, index = redrawing_levels(one.sampler, one.scheduler, 2, 0.5, exact=True)
    sigma, following, _ = levels[index:]
    up = min(following, (following**2 * (sigma**2 - following**2) / sigma**2).sqrt())
    down = (following**2 - up**2).sqrt()
    start = latents[:1] + first * sigma
    then = latents[:1] + (start - latents[:1]) * down / sigma + second * up
    for noisy, level, found in zip((start, then), (sigma, following), seen, strict=True):
        assert torch.allclose(found[:1], noisy / (level**2 + 1).sqrt(), atol=1e-5)


def test_a_mask_of_everything_is_no_mask(tiny, make_pass, latents):
    passes = [make_pass(denoise=0.5)] * 2
    masked = tiny.repainted(latents, passes, torch.ones(2, 1, 8, 12))
    assert torch.equal(masked, tiny.repainted(latents, passes))


def test_nothing_drawn_anew_is_the_same_latent(tiny, make_pass, latents):
    assert torch.equal(tiny.repainted(latents, [make_pass(denoise=0.0)] * 2), latents)


def test_the_schedule_of_a_prompt_counts_on_in_the_hires_pass(tiny, make_pass, latents):
    """A fraction from 1 to 2 is a part of the hires pass; one below is over."""

    def drawn(prompt):
        return tiny.repainted(latents[:1], [make_pass(prompt=prompt, steps=4, after=3)])

    assert torch.equal(drawn("[red:blue:0.5] hair"), drawn("blue hair"))
    assert not torch.equal(drawn("[red:blue:1.5] hair"), drawn("blue hair"))


def test_pictures_are_encoded_as_the_vae_takes_them_to_be_most_likely(tiny, components):
    pictures = np.random.default_rng(1).integers(0, 256, (2, 32, 64, 3), np.uint8)
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        expected = components.vae.encode(pixels).latent_dist.mean * 0.13025
    assert torch.allclose(tiny.encoded([*pictures]), expected, atol=1e-5)


def test_a_picture_too_large_for_memory_is_encoded_in_tiles(tiny, components, monkeypatch):
    picture = np.full((64, 64, 3), 90, np.uint8)
    whole = tiny.encoded([picture])
    encode, tiled = components.vae.encode, []

    def tight(pixels):
        tiled.append(components.vae.use_tiling)
        if not components.vae.use_tiling:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return encode(pixels)

    monkeypatch.setattr(components.vae, "encode", tight)
    assert torch.equal(tiny.encoded([picture]), whole)
    assert tiled == [False, True]
    assert not components.vae.use_tiling
