"""The VAE on a device: pictures to latents and back, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tagkit.rendering.memory import memory_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from tagkit.rendering.residence import Residence

    Picture = npt.NDArray[np.uint8]

PART = "vae"


class Vae:
    """An AutoencoderKL, or an AutoencoderTiny, which has one latent for a picture.

    residence: where it lives. tiling: always, never, or None for where memory does not hold a
    picture whole.
    """

    def __init__(
        self, network: Any, residence: Residence, dtype: torch.dtype, tiling: bool | None
    ) -> None:
        # SDXL's own VAE overflows in half precision and says so.
        upcast = network.config.force_upcast and dtype == torch.float16
        self._network = residence.take(PART, network, dtype=torch.float32 if upcast else dtype)
        self._device = residence.device
        self._tiling = tiling
        self._factor = network.config.scaling_factor

    def encoded(self, picture: Picture) -> Tensor:
        """A picture (height, width, 3) as a latent (4, height / 8, width / 8); float32.

        The middle of what the VAE takes for possible, so that a picture has one latent.
        """
        pixels = torch.tensor(picture, device=self._device).permute(2, 0, 1).float()
        return self._through(self._latent, pixels / 127.5 - 1) * self._factor

    def decoded(self, latent: Tensor) -> Picture:
        """One latent as a picture."""
        scaled = latent / self._factor
        decoded = self._through(lambda each: self._network.decode(each).sample, scaled)
        pixels = (decoded / 2 + 0.5).clamp(0, 1) * 255
        picture: Picture = pixels.round().byte().permute(1, 2, 0).cpu().numpy()
        return picture

    def _latent(self, image: Tensor) -> Tensor:
        output = self._network.encode(image)
        latent: Tensor = output.latents if "latents" in output else output.latent_dist.mode()
        return latent

    def _through(self, half: Callable[[Tensor], Tensor], one: Tensor) -> Tensor:
        """One picture or latent through one half of the VAE; float32.

        In full precision if less has overflowed.
        """
        result = self._in_memory(half, one)
        if not result.isfinite().all():
            self._network.float()
            result = self._in_memory(half, one)
        return result.float()

    def _in_memory(self, half: Callable[[Tensor], Tensor], one: Tensor) -> Tensor:
        batch = one[None].to(self._network.dtype)
        if self._tiling is None:
            try:
                with memory_errors():
                    return half(batch)[0]
            except MemoryError:
                pass
        if self._tiling is not False:
            self._network.enable_tiling()
        try:
            with memory_errors():
                return half(batch)[0]
        finally:
            self._network.disable_tiling()
