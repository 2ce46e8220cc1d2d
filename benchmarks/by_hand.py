"""Loops over diffusers as one writes them by hand: what the benchmarks of rendering compare with.

They draw what tagkit draws (same weights, noise, levels and order), so pictures can be held against
one another, and know nothing of files, plans, memory or faults.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import diffusers
import numpy as np
import torch
from PIL import Image

from tagkit.cards import image_card
from tagkit.clip import BOS, EOS, encode
from tagkit.rendering.components import load_components
from tagkit.rendering.detecting import Detector
from tagkit.rendering.finding import Finder
from tagkit.rendering.hashes import FileHashes
from tagkit.rendering.masking import box_mask
from tagkit.rendering.schedules import training_sigmas
from tagkit.rendering.upscaling import open_network
from tagkit.rendering.weights import find_weights
from tagkit.settings import Settings, folders_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from tagkit.rendering.components import Components
    from tagkit.rendering.detecting import Found
    from tagkit.rendering.job import Job, Kind

LINSPACE = {
    "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
    "timestep_spacing": "linspace", "steps_offset": 0,
}  # fmt: skip
WINDOW = 77


class Recipe(NamedTuple):
    """One picture, as a job of a plan has it."""

    prompt: str
    negative: str
    width: int
    height: int
    steps: int
    cfg: float
    seed: int
    rescale: float
    v_prediction: bool
    zero_snr: bool

    @classmethod
    def of(cls, job: Job) -> Recipe:
        """The first pass of a job."""
        return cls(
            job.prompt, job.negative, job.width, job.height, job.steps, job.cfg, job.seed,
            job.cfg_rescale, job.prediction == "v-prediction", job.zero_snr,
        )  # fmt: skip


class EulerA(diffusers.EulerAncestralDiscreteScheduler):
    """A1111's: with zero terminal SNR it begins where A1111 does, which diffusers does not."""

    def set_timesteps(self, *args: object, **kwargs: object) -> None:
        """And the levels."""
        super().set_timesteps(*args, **kwargs)
        if self.config.rescale_betas_zero_snr:
            self.sigmas[0] = training_sigmas(zero_snr=True)[-1]


def scheduler_for(recipe: Recipe) -> EulerA:
    """The scheduler that a recipe's model was trained for."""
    prediction = "v_prediction" if recipe.v_prediction else "epsilon"
    return EulerA(**LINSPACE, prediction_type=prediction, rescale_betas_zero_snr=recipe.zero_snr)


def load(model: str, checkpoint: str = "") -> Components:
    """The networks of a card's model."""
    folders = folders_of(Settings(), "checkpoints")
    return load_components(find_weights(image_card(model), checkpoint, folders, FileHashes()))


def pipeline_of(
    model: Components, recipe: Recipe, device: torch.device, dtype: torch.dtype
) -> object:
    """diffusers' own text-to-image pipeline with A1111's Euler a."""
    pipeline = diffusers.StableDiffusionXLPipeline(
        model.vae, model.text_encoder, model.text_encoder_2, Tokens(EOS), Tokens(0), model.unet,
        scheduler_for(recipe), add_watermarker=False,
    ).to(device, dtype)  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


class Tokens:
    """Stands for a tokenizer of transformers, whose ids tagkit's are."""

    def __init__(self, fill: int) -> None:
        self.fill, self.model_max_length, self.added_tokens_encoder = fill, WINDOW, {}

    def tokenize(self, text: str) -> list[str]:
        """Nothing in it is a textual inversion."""
        return [text]

    def __call__(self, texts: str | Sequence[str], **options: object) -> object:
        """Token ids of each text."""
        texts = [texts] if isinstance(texts, str) else texts
        rows = [[BOS, *encode(text)[: WINDOW - 2], EOS] for text in texts]
        ids = torch.tensor([row + [self.fill] * (WINDOW - len(row)) for row in rows])
        return type("Output", (), {"input_ids": ids})


def called(pipeline: object, recipe: Recipe) -> Image.Image:
    """The picture that the pipeline makes of the words."""
    return pipeline(
        prompt=recipe.prompt, negative_prompt=recipe.negative, width=recipe.width,
        height=recipe.height, guidance_scale=recipe.cfg, num_inference_steps=recipe.steps,
        guidance_rescale=recipe.rescale, generator=generators([recipe]),
    ).images[0]  # fmt: skip


def alike(recipes: Sequence[Recipe], most: int) -> Iterator[list[Recipe]]:
    """Recipes of one prompt together, `most` of them at once; in their order."""
    for _, group in itertools.groupby(recipes, lambda one: one.prompt):
        same = list(group)
        for at in range(0, len(same), most):
            yield same[at : at + most]


class ByHand:
    """The loop that somebody writes who minds the time: words are read once, and no pipeline."""

    def __init__(self, pipeline: object) -> None:
        self.pipeline = pipeline
        self.device, self.dtype = pipeline.device, pipeline.unet.dtype

    @torch.inference_mode()
    def read(self, recipe: Recipe) -> tuple[Tensor, Tensor]:
        """Negative and positive context, and both pooled vectors."""
        positive, negative, pooled, against = self.pipeline.encode_prompt(
            recipe.prompt, negative_prompt=recipe.negative, device=self.device
        )
        return torch.cat([negative, positive]), torch.cat([against, pooled])

    @torch.inference_mode()
    def draw(self, recipes: Sequence[Recipe], words: tuple[Tensor, Tensor]) -> list[Image.Image]:
        """The pictures of recipes that differ in their seeds, all at once."""
        return [picture_of(latent, self.pipeline) for latent in self.latents(recipes, words)]

    def latents(self, recipes: Sequence[Recipe], words: tuple[Tensor, Tensor]) -> Tensor:
        """Their latents."""
        recipe, count, draws = recipes[0], len(recipes), generators(recipes)
        unet = self.pipeline.unet
        scheduler = scheduler_for(recipe)
        scheduler.set_timesteps(recipe.steps, device=self.device)
        context, pooled = (each.repeat_interleave(count, 0) for each in words)
        sides = [recipe.height, recipe.width, 0, 0, recipe.height, recipe.width]
        sizes = torch.tensor([sides] * 2 * count, device=self.device, dtype=self.dtype)
        shape = (unet.config.in_channels, recipe.height // 8, recipe.width // 8)
        noise = torch.stack([torch.randn(shape, generator=each) for each in draws])
        latents = noise.to(self.device, self.dtype) * scheduler.init_noise_sigma
        for time in scheduler.timesteps:
            seen = scheduler.scale_model_input(torch.cat([latents] * 2), time)
            output = unet(
                seen, time, encoder_hidden_states=context,
                added_cond_kwargs={"text_embeds": pooled, "time_ids": sizes},
            ).sample  # fmt: skip
            negative, positive = output.chunk(2)
            guided = negative + recipe.cfg * (positive - negative)
            if recipe.rescale:
                grown = guided.std((1, 2, 3), keepdim=True) / positive.std((1, 2, 3), keepdim=True)
                guided = recipe.rescale * guided / grown + (1 - recipe.rescale) * guided
            latents = scheduler.step(guided, time, latents, generator=draws).prev_sample
        return latents


def generators(recipes: Sequence[Recipe]) -> list[torch.Generator]:
    """One for each picture, as tagkit draws its noise."""
    return [torch.Generator("cpu").manual_seed(recipe.seed) for recipe in recipes]


def picture_of(latent: Tensor, pipeline: object) -> Image.Image:
    """A latent as a picture."""
    vae = pipeline.vae
    decoded = vae.decode(latent[None].to(vae.dtype) / vae.config.scaling_factor).sample[0]
    pixels = (decoded.float() / 2 + 0.5).clamp(0, 1) * 255
    return Image.fromarray(pixels.round().byte().permute(1, 2, 0).cpu().numpy())


class Whole:
    """First pass, hires fix and one face, with the pipelines of diffusers, picture by picture.

    Their steps and strengths are such that the UNet is asked as often as A1111 asks it.
    """

    def __init__(
        self, pipeline: object, device: torch.device, face: Callable[[np.ndarray], Found]
    ) -> None:
        self._first = pipeline
        self._again = diffusers.StableDiffusionXLImg2ImgPipeline(**parts(pipeline))
        self._inpaint = diffusers.StableDiffusionXLInpaintPipeline(**parts(pipeline))
        for each in (self._again, self._inpaint):
            each.set_progress_bar_config(disable=True)
        self._device, self._face = device, face
        self._finder = Finder(Settings(), FileHashes())
        self._upscaler = cache(lambda name: open_network(self._file("upscalers", name), device))
        self._detector = cache(lambda name: Detector(self._file("detectors", name)))

    def draw(self, job: Job) -> Image.Image:
        """The finished picture."""
        said = {
            "prompt": job.prompt, "negative_prompt": job.negative, "guidance_scale": job.cfg,
            "guidance_rescale": job.cfg_rescale,
        }  # fmt: skip
        recipe = Recipe.of(job)
        picture = np.asarray(called(self._first, recipe))
        hires, detail = job.hires, job.detailer[0]
        larger = self._upscaler(hires.upscaler)(picture, hires.width, hires.height)
        evaluations = hires.steps or job.steps
        steps = int(evaluations / hires.denoise)
        image = self._again(
            image=Image.fromarray(larger), num_inference_steps=steps,
            strength=(evaluations + 0.5) / steps, generator=generators([recipe]), **said,
        ).images[0]  # fmt: skip
        whole = np.asarray(image)
        self._detector(detail.detector)(whole, detail.confidence)
        mask = box_mask(self._face(whole).box, hires.width, hires.height)
        evaluations = int(detail.denoise * job.steps) + 1
        return self._inpaint(
            image=image, mask_image=Image.fromarray(mask), padding_mask_crop=detail.padding,
            width=job.width, height=job.height, num_inference_steps=job.steps,
            strength=min(1.0, (evaluations + 0.5) / job.steps), generator=generators([recipe]),
            **said,
        ).images[0]  # fmt: skip

    def _file(self, kind: Kind, name: str) -> Path:
        return self._finder.find(kind, name)


def parts(pipeline: object) -> dict[str, object]:
    """What pipelines share."""
    names = ("vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet")
    shared = {name: getattr(pipeline, name) for name in names}
    return {**shared, "scheduler": pipeline.scheduler, "add_watermarker": False}
