"""An SDXL model on a device: jobs to latents, latents to pictures and back."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeVar

import msgspec
import torch

from tagkit.cards import Speed
from tagkit.errors import UserError
from tagkit.rendering.components import load_vae
from tagkit.rendering.conditioning import NO_FILES, Conditioner
from tagkit.rendering.denoising import Denoiser
from tagkit.rendering.guidance import USUAL as READ_AS_USUAL
from tagkit.rendering.guidance import Reading, guidance
from tagkit.rendering.memory import memory_errors
from tagkit.rendering.noise import BatchNoise
from tagkit.rendering.residence import Residence
from tagkit.rendering.sampler_names import scheduled_steps
from tagkit.rendering.sampling import drawn, redrawn
from tagkit.rendering.schedules import noise_levels, redrawing_levels
from tagkit.rendering.speed import attention, compiled, layout
from tagkit.rendering.vae import Vae
from tagkit.rendering.wardrobe import Wardrobe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from tagkit.rendering.components import Components
    from tagkit.rendering.guidance import Guidance
    from tagkit.rendering.job import Job
    from tagkit.rendering.sampling import Denoise
    from tagkit.rendering.vae import Picture

T = TypeVar("T")
_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_LATENT_CHANNELS = 4
_VAES = 2
_USUAL = Speed()
# Pictures of this many pixels together keep a device busy; more at once only cost memory.
_MOST_PIXELS = {"cuda": 8 * 1024 * 1024}
_MOST_PIXELS_ELSEWHERE = 1024 * 1024


class Pass(msgspec.Struct, frozen=True):
    """One way through the sampler.

    cfg_rescale: how far guidance must not add contrast, 0 to 1. denoise: how much is drawn anew,
    0 to 1. exact: `steps` evaluations of the UNet, as hires fix counts them; else
    int(denoise * steps) + 1, as img2img does. after: `scheduled_steps` of the pass before, which a
    prompt's schedule counts on from; 0 for a pass that schedules as the first one.
    """

    prompt: str
    negative: str
    seed: int
    rng: str
    steps: int
    cfg: float
    sampler: str
    scheduler: str = "automatic"
    cfg_rescale: float = 0.0
    denoise: float = 1.0
    exact: bool = True
    after: int = 0
    reading: Reading = READ_AS_USUAL

    @property
    def guidance(self) -> Guidance:
        """What the prompts say at each step."""
        steps = scheduled_steps(self.sampler, self.steps)
        return guidance(self.prompt, self.negative, steps, self.after, self.reading)

    @property
    def batch_key(self) -> tuple[object, ...]:
        """Equal for passes that differ in nothing but prompts of as many chunks and seed.

        Others cannot share a batch: a shorter prompt would have to be filled up, and its picture
        would depend on its neighbours.
        """
        reading = msgspec.structs.replace(self.reading, embeddings=())
        alike = msgspec.structs.replace(self, prompt="", negative="", seed=0, reading=reading)
        return (alike, self.guidance.chunks)


def first_pass(job: Job) -> Pass:
    """The pass that draws a job's picture at its own size, from noise alone."""
    return Pass(
        job.prompt, job.negative, job.seed, job.rng, job.steps, job.cfg, job.sampler,
        job.scheduler, job.cfg_rescale,
        reading=Reading(job.emphasis, job.clip_skip, job.embeddings),
    )  # fmt: skip


class Pipeline:
    """A loaded model.

    prediction, zero_snr: what the UNet was trained for, as in `Denoiser`. device, dtype: as
    `find_device` and `find_dtype` give them. most_pixels: together as many as one batch should
    have; it falls when a batch runs out of memory. files: where LoRAs, embeddings and VAEs lie, by
    their SHA-256.
    """

    def __init__(
        self,
        components: Components,
        prediction: str,
        device: torch.device,
        dtype: torch.dtype,
        zero_snr: bool = False,
        speed: Speed = _USUAL,
        files: Mapping[str, Path] = NO_FILES,
    ) -> None:
        self._device = device
        self._prediction = prediction
        self._zero_snr = zero_snr
        self.most_pixels = _MOST_PIXELS.get(device.type, _MOST_PIXELS_ELSEWHERE)
        self._speed = speed
        self._residence = home = Residence(device, speed.offload)
        form = layout(device, speed)
        self._unet = home.take("unet", components.unet, dtype=dtype, memory_format=form)
        compiled(components.unet, speed)
        first = home.take("texts", components.text_encoder, dtype=dtype)
        second = home.take("texts", components.text_encoder_2, dtype=dtype)
        self._conditioner = Conditioner(first, second, files)
        self._files = files
        self._wardrobe = Wardrobe(components, files)
        self._vae_at_home = partial(Vae, residence=home, dtype=dtype, tiling=speed.vae_tiling)
        self._own_vae = components.vae
        self._vae_of = lru_cache(_VAES)(self._load_vae)
        self._vae = self._vae_of("")

    def wear(self, job: Job) -> None:
        """Puts on the LoRAs and the VAE of a job, and takes off those that it has not.

        Raises UserError for files that do not fit the model.
        """
        self._wardrobe.wear(job.loras)
        self._conditioner.state = self._wardrobe.text_state
        self._vae = self._vae_of(job.vae_digest or "")

    def _load_vae(self, digest: str) -> Vae:
        own = self._own_vae
        return self._vae_at_home(load_vae(self._files[digest], own) if digest else own)

    def latents(self, jobs: Sequence[Job]) -> Tensor:
        """Finished latents of the first pass of jobs that can share a batch; float32.

        Raises MemoryError where the device has too little for so many at once.
        """
        job = jobs[0]
        passes = [first_pass(each) for each in jobs]
        sigmas = noise_levels(job.sampler, job.scheduler, job.steps, self._zero_snr)

        def draw() -> Tensor:
            noise = self._noise(passes, (_LATENT_CHANNELS, job.height // 8, job.width // 8))
            return drawn(job.sampler, self._denoiser(passes), sigmas, noise)

        return self._sampled(draw, len(jobs), job.height * job.width)

    def repainted(
        self, latents: Tensor, passes: Sequence[Pass], mask: Tensor | None = None
    ) -> Tensor:
        """The latents after noise has been added and taken away again, as A1111's img2img does it.

        latents: (n, 4, height / 8, width / 8). passes: one for each, of equal `batch_key`.
        mask: (n, 1, height / 8, width / 8) of 0 and 1; where it is 0, the latents stay what they
        are. Returns float32 on the pipeline's device. Raises MemoryError where the device has too
        little for so many at once.
        """
        one = passes[0]
        original = latents.to(self._device, torch.float32)
        sigmas, start = redrawing_levels(
            one.sampler, one.scheduler, one.steps, one.denoise,
            exact=one.exact, zero_snr=self._zero_snr,
        )  # fmt: skip
        keep = _keeping(original, None if mask is None else mask.to(self._device) > 0)

        def redraw() -> Tensor:
            noise, denoise = self._noise(passes, original.shape[1:]), self._denoiser(passes)
            seen: Denoise = lambda *noisy: keep(denoise(*noisy))  # noqa: E731 - one line
            return keep(redrawn(one.sampler, seen, original, sigmas, start, noise))

        return self._sampled(redraw, len(passes), original[0, 0].numel() * 8 * 8)

    def _noise(self, passes: Sequence[Pass], shape: tuple[int, ...]) -> BatchNoise:
        return BatchNoise(passes[0].rng, [each.seed for each in passes], shape, self._device)

    def _sampled(self, draw: Callable[[], Tensor], count: int, pixels: int) -> Tensor:
        """For so many pictures of so many pixels; if they are too much, fewer go from then on."""
        try:
            with attention(self._speed):
                return self._computed(draw, last_resort=count == 1)
        except MemoryError:
            if count > 1:
                self.most_pixels = min(self.most_pixels, count // 2 * pixels)
            raise

    def _computed(self, work: Callable[[], T], *, last_resort: bool = True) -> T:
        """last_resort: where memory runs out, the networks take turns on the device."""
        with torch.inference_mode():
            try:
                with memory_errors():
                    return work()
            except MemoryError:
                if not (last_resort and self._residence.begin_turns()):
                    raise
            with memory_errors():
                return work()

    def _denoiser(self, passes: Sequence[Pass]) -> Denoise:
        one = passes[0]
        return Denoiser(
            self._unet,
            self._conditioner,
            [each.guidance for each in passes],
            one.cfg,
            self._prediction,
            one.cfg_rescale,
            self._zero_snr,
        )

    def encoded(self, pictures: Sequence[Picture]) -> Tensor:
        """Pictures of one size, (height, width, 3), as latents (n, 4, height / 8, width / 8)."""
        return self._computed(
            lambda: torch.stack([self._vae.encoded(picture) for picture in pictures])
        )

    def picture(self, latent: Tensor) -> Picture:
        """One latent as a picture: (height, width, 3). Raises UserError if it is not finite."""
        if not latent.isfinite().all():
            raise UserError("the UNet gave no finite numbers", "", "try --dtype bfloat16, float32")
        return self._computed(lambda: self._vae.decoded(latent))


def _keeping(original: Tensor, drawn: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Puts the original back wherever `drawn` is false, as A1111 does after every step."""
    if drawn is None:
        return lambda latents: latents
    return lambda latents: torch.where(drawn, latents, original)


def find_device(name: str) -> torch.device:
    """The device `name`; `auto` is the first there is of cuda, mps, cpu. Raises UserError."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((kind for kind, found in there.items() if found), "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UserError(
            f"there is no device `{name}`", "", "auto, cpu, cuda, cuda:1, mps"
        ) from error
    if not there.get(device.type, device.type == "cpu"):
        raise UserError(f"this machine has no device `{name}`, or torch was built without it")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UserError(
            f"there is no device `{name}`", f"{torch.cuda.device_count()} in this machine"
        )
    return device


def find_dtype(name: str, device: torch.device) -> torch.dtype:
    """The precision `name`; `auto` is half on an accelerator, full on the CPU."""
    if name == "auto":
        name = "float32" if device.type == "cpu" else "float16"
    return _DTYPES[name]
