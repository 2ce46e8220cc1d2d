"""An SDXL model on a device: jobs to latents, latents to pictures."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from tagkit.errors import UserError
from tagkit.rendering.conditioning import Conditioner
from tagkit.rendering.denoising import Denoiser
from tagkit.rendering.guidance import guidance
from tagkit.rendering.noise import noise_stream
from tagkit.rendering.sampling import SAMPLERS, evenly_timed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from tagkit.rendering.components import Components
    from tagkit.rendering.job import Job

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_LATENT_CHANNELS = 4
# Pictures of this many pixels together keep a device busy; more at once only cost memory.
_MOST_PIXELS = {"cuda": 8 * 1024 * 1024}
_MOST_PIXELS_ELSEWHERE = 1024 * 1024
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


class Pipeline:
    """A loaded model. `device` and `dtype` as `find_device` and `find_dtype` give them."""

    def __init__(
        self, components: Components, prediction: str, device: torch.device, dtype: torch.dtype
    ) -> None:
        self._device = device
        self._prediction = prediction
        self.most_pixels = _MOST_PIXELS.get(device.type, _MOST_PIXELS_ELSEWHERE)
        layout = torch.channels_last if device.type == "cuda" else torch.contiguous_format
        self._unet = components.unet.to(device, dtype, memory_format=layout)
        # SDXL's own VAE overflows in half precision and says so.
        upcast = components.vae.config.force_upcast and dtype == torch.float16
        self._vae = components.vae.to(device, torch.float32 if upcast else dtype)
        encoders = (components.text_encoder, components.text_encoder_2)
        self._conditioner = Conditioner(*(each.to(device, dtype) for each in encoders))

    def latents(self, jobs: Sequence[Job]) -> Tensor:
        """Finished latents of jobs that differ in nothing but prompts and seed; float32.

        Raises MemoryError where the device has too little for so many at once.
        """
        job = jobs[0]
        shape = (_LATENT_CHANNELS, job.height // 8, job.width // 8)
        streams = [noise_stream(each.rng, each.seed) for each in jobs]
        guidances = [guidance(each.prompt, each.negative, each.steps) for each in jobs]

        def noise() -> Tensor:
            return torch.stack([stream(shape) for stream in streams]).to(self._device)

        denoiser = Denoiser(self._unet, self._conditioner, guidances, job.cfg, self._prediction)
        sigmas = evenly_timed(job.steps)
        with torch.inference_mode(), _memory_errors():
            return SAMPLERS[job.sampler](denoiser, noise() * sigmas[0], sigmas, noise)

    def picture(self, latent: Tensor) -> npt.NDArray[np.uint8]:
        """One latent as a picture: (height, width, 3). Raises UserError if it is not finite."""
        if not latent.isfinite().all():
            raise UserError("the UNet gave no finite numbers", "", "try --dtype bfloat16, float32")
        with torch.inference_mode():
            decoded = self._decoded(latent)
            if not decoded.isfinite().all():
                self._vae.float()
                decoded = self._decoded(latent)
            pixels = (decoded.float() / 2 + 0.5).clamp(0, 1) * 255
            picture: npt.NDArray[np.uint8] = pixels.round().byte().permute(1, 2, 0).cpu().numpy()
        return picture

    def _decoded(self, latent: Tensor) -> Tensor:
        """(3, height, width), from -1 to 1; in tiles if memory does not hold it whole."""
        try:
            with _memory_errors():
                return self._decoded_whole(latent)
        except MemoryError:
            return self._decoded_in_tiles(latent)

    def _decoded_whole(self, latent: Tensor) -> Tensor:
        latent = latent[None] / self._vae.config.scaling_factor
        return self._vae.decode(latent.to(self._vae.dtype)).sample[0]

    def _decoded_in_tiles(self, latent: Tensor) -> Tensor:
        self._vae.enable_tiling()
        try:
            with _memory_errors():
                return self._decoded_whole(latent)
        finally:
            self._vae.disable_tiling()


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


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Every library's way of saying so becomes a MemoryError."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.cuda.OutOfMemoryError) or any(
            words in str(error) for words in _OUT_OF_MEMORY
        ):
            torch.cuda.empty_cache()
            raise MemoryError(str(error)) from error
        raise
