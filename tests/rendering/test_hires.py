from __future__ import annotations

import msgspec
import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytest.importorskip("spandrel")

from torch.nn.functional import interpolate  # noqa: E402

from tagkit.rendering.hires import Base, covering, enlarged, redrawn, second_pass  # noqa: E402
from tagkit.rendering.job import HiresPass  # noqa: E402
from tagkit.rendering.pipeline import Pipeline  # noqa: E402
from tagkit.rendering.resamplers import RESAMPLERS  # noqa: E402
from tagkit.rendering.upscaling import resampled, resampler  # noqa: E402

HIRES = HiresPass("lanczos", 96, 96, 0.5)


class Recorder:
    """A pipeline that shows what it is asked for: its latents are every eighth pixel."""

    def __init__(self):
        self.pictures, self.passes = [], []

    def encoded(self, pictures):
        self.pictures += pictures
        return torch.stack([torch.tensor(each[::8, ::8]).movedim(-1, 0) for each in pictures])

    def repainted(self, latents, passes):
        self.passes += passes
        return latents


def hires_latents(bases, pipeline, upscaler):
    return torch.stack(redrawn([enlarged(base, pipeline, upscaler) for base in bases], pipeline))


def picture_of(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "target", "whole"),
    [
        ((64, 64), (128, 128), (128, 128)),
        ((832, 1216), (1248, 1824), (1248, 1824)),
        ((832, 1216), (1024, 1024), (1024, 1496)),
        ((1216, 832), (1024, 1024), (1496, 1024)),
        ((832, 1216), (1080, 1576), (1080, 1578)),
    ],
)
def test_the_picture_covers_its_target(make_job, size, target, whole):
    job = make_job(width=size[0], height=size[1])
    assert covering(job, HiresPass("lanczos", *target, 0.5)) == whole


def test_the_enlarged_picture_is_encoded_and_cut_in_the_middle(make_job):
    pipeline, picture = Recorder(), picture_of(64, 64)
    hires = HiresPass("lanczos", 128, 64, 0.5)
    found = hires_latents([Base(make_job(), hires, picture)], pipeline, resampler("LANCZOS"))
    [encoded] = pipeline.pictures
    assert np.array_equal(encoded, resampled(picture, 128, 128))
    assert np.array_equal(found[0].movedim(0, -1), encoded[::8, ::8][4:12])


@pytest.mark.parametrize("name", [name for name, each in RESAMPLERS.items() if each.latent])
def test_latents_are_enlarged_as_torch_does_it(make_job, name):
    pipeline, latent = Recorder(), torch.randn(4, 8, 8)
    base = Base(make_job(), HIRES, picture_of(64, 64), latent)
    found = hires_latents([base], pipeline, RESAMPLERS[name])
    mode, antialias = RESAMPLERS[name].mode, RESAMPLERS[name].antialias
    assert torch.equal(found, interpolate(latent[None], (12, 12), mode=mode, antialias=antialias))
    assert not pipeline.pictures


def test_a_stored_picture_gives_the_latent_that_it_was_stored_without(make_job):
    pipeline, picture = Recorder(), picture_of(64, 64)
    base = Base(make_job(), HIRES, picture)
    found = hires_latents([base], pipeline, RESAMPLERS["latent-nearest-exact"])
    assert len(pipeline.pictures) == 1
    assert found.shape == (1, 3, 12, 12)


def test_what_the_pass_does_not_say_is_that_of_the_first_one(make_job):
    job = make_job(steps=7, cfg=4.0, seed=5, rng="nv")
    found = second_pass(job, HIRES)
    assert (found.prompt, found.negative) == (job.prompt, job.negative)
    assert (found.steps, found.cfg, found.seed, found.rng) == (7, 4.0, 5, "nv")
    assert (found.denoise, found.exact, found.after) == (0.5, True, 7)


def test_the_schedule_of_a_prompt_counts_on_from_the_evaluations_of_the_first_pass(make_job):
    assert second_pass(make_job(steps=7, sampler="dpm++-sde"), HIRES).after == 14


def test_what_the_pass_says_it_gets(make_job):
    said = {"prompt": "sky", "negative": "hat", "steps": 3, "cfg": 0.0, "scheduler": "karras"}
    found = second_pass(make_job(), msgspec.structs.replace(HIRES, **said))
    assert {name: getattr(found, name) for name in said} == said


def test_the_unet_is_told_the_larger_size(components, make_job):
    """SDXL's size ids: original size, corner, target size."""
    seen = []

    class Watched(torch.nn.Module):
        dtype = torch.float32

        def forward(self, noisy, *args, added_cond_kwargs, **kwargs):
            seen.append(added_cond_kwargs["time_ids"][0].tolist())
            return type("Output", (), {"sample": torch.zeros_like(noisy)})

    pipeline = Pipeline(
        components._replace(unet=Watched()), "epsilon", torch.device("cpu"), torch.float32
    )
    hires = HiresPass("latent", 96, 128, 0.5, steps=2)
    base = Base(make_job(), hires, picture_of(64, 64), torch.zeros(4, 8, 8))
    hires_latents([base], pipeline, RESAMPLERS["latent"])
    assert seen == [[128, 96, 0, 0, 128, 96]] * 2


@pytest.mark.parametrize("size", [(72, 104), (88, 64)])
def test_any_multiple_of_eight_will_do(tiny, make_job, size):
    base = Base(make_job(), HiresPass("lanczos", *size, 0.5, steps=2), picture_of(64, 64))
    found = hires_latents([base], tiny, resampler("LANCZOS"))
    assert tiny.picture(found[0]).shape == (size[1], size[0], 3)


def test_hires_shows_what_the_first_pass_drew(tiny, make_job):
    """Little denoising leaves the picture near its enlarged base; much does not."""
    job = make_job(steps=4)
    [latent] = tiny.latents([job])
    picture = tiny.picture(latent)

    def drawn(denoise, upscaler="lanczos"):
        hires = HiresPass(upscaler, 96, 96, denoise)
        tool = RESAMPLERS[upscaler]
        base = Base(job, hires, picture, latent)
        return hires_latents([base], tiny, tool if tool.latent else resampler(tool.mode))[0]

    [enlarged] = tiny.encoded([resampled(picture, 96, 96)])
    assert drawn(0.3).shape == (4, 12, 12)
    near, far = ((drawn(denoise) - enlarged).abs().mean() for denoise in (0.05, 0.9))
    assert torch.equal(drawn(0.0), enlarged)
    assert near < far / 4
    larger = interpolate(latent[None], (12, 12), mode="bilinear")[0]
    assert torch.equal(drawn(0.0, "latent"), larger)
