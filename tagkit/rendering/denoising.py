"""The model as samplers see it: noisy latents in, the guided picture in them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from tagkit.rendering.schedules import time_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from tagkit.rendering.conditioning import Conditioner
    from tagkit.rendering.guidance import Guidance


class Rows(NamedTuple):
    """What the UNet reads at one step: every positive part of every image, then every negative.

    owners: the image of each positive row. weights: its AND weight, shaped to scale latents.
    """

    context: Tensor
    pooled: Tensor
    owners: Tensor
    weights: Tensor


class Denoiser:
    """Classifier-free guidance over a batch of images of one size and one length of prompt.

    prediction: what the UNet was trained to say, `epsilon` or `v-prediction`.
    rescale: how far guidance must not add contrast, 0 to 1. zero_snr: as in `training_sigmas`.
    """

    def __init__(
        self,
        unet: Any,
        conditioner: Conditioner,
        guidances: Sequence[Guidance],
        cfg: float,
        prediction: str,
        rescale: float = 0.0,
        zero_snr: bool = False,
    ) -> None:
        self._unet = unet
        self._conditioner = conditioner
        self._guidances = guidances
        self._cfg = cfg
        self._prediction = prediction
        self._rescale = rescale
        self._zero_snr = zero_snr
        # At CFG 1 the negative prompt cancels out, and half of the work with it.
        self._against = cfg != 1 or any(
            sum(part.weight for part in each.positive) != 1 for each in guidances
        )
        self._texts: tuple[str, ...] = ()
        self._rows: Rows | None = None

    def __call__(self, latents: Tensor, sigma: Tensor, step: int) -> Tensor:
        """The picture in `latents`, at noise level `sigma`, as the prompts of `step` guide it."""
        rows = self._rows_at(step)
        scale = (sigma**2 + 1).sqrt()
        seen = latents[rows.owners]
        if self._against:
            seen = torch.cat([seen, latents])
        seen = seen / scale
        output = self._unet(
            seen.to(self._unet.dtype),
            time_of(sigma, self._zero_snr).float().to(latents.device),
            encoder_hidden_states=rows.context,
            added_cond_kwargs={"text_embeds": rows.pooled, "time_ids": self._sizes(seen)},
        ).sample.float()
        guided = self._guided(output, rows)
        if self._prediction == "v-prediction":
            return latents / scale**2 - guided * sigma / scale
        return latents - guided * sigma

    def _guided(self, output: Tensor, rows: Rows) -> Tensor:
        if not self._against:
            nothing = output.new_zeros(len(self._guidances), *output.shape[1:])
            return nothing.index_add(0, rows.owners, output * rows.weights)
        positive, negative = output.split([len(rows.owners), len(output) - len(rows.owners)])
        pull = (positive - negative[rows.owners]) * rows.weights
        guided = negative.index_add(0, rows.owners, pull * self._cfg)
        if not self._rescale:
            return guided
        return rescaled(guided, negative.index_add(0, rows.owners, pull), self._rescale)

    def _sizes(self, seen: Tensor) -> Tensor:
        """SDXL's size ids: original size, crop corner, target size, each height first."""
        height, width = (side * 8 for side in seen.shape[-2:])
        sizes = seen.new_tensor([height, width, 0, 0, height, width], dtype=self._unet.dtype)
        return sizes.expand(len(seen), -1)

    def _rows_at(self, step: int) -> Rows:
        """Built anew only where scheduling changes a text."""
        texts = tuple(
            part.at(step) for each in self._guidances for part in (*each.positive, each.negative)
        )
        if self._rows is None or texts != self._texts:
            self._texts, self._rows = texts, self._read(step)
        return self._rows

    def _read(self, step: int) -> Rows:
        positive = [self._conditioner.positive(each, step) for each in self._guidances]
        negative = [
            self._conditioner.negative(each, step) for each in self._guidances if self._against
        ]
        flat = [encoded for parts in positive for encoded, _ in parts] + negative
        device = flat[0].context.device
        owners = [image for image, parts in enumerate(positive) for _ in parts]
        weights = [weight for parts in positive for _, weight in parts]
        return Rows(
            torch.stack([encoded.context for encoded in flat]),
            torch.stack([encoded.pooled for encoded in flat]),
            torch.tensor(owners, device=device),
            torch.tensor(weights, device=device).view(-1, 1, 1, 1),
        )


def rescaled(guided: Tensor, positive: Tensor, share: float) -> Tensor:
    """`guided`, brought back to the contrast of `positive` by `share`, image by image.

    Lin et al., arXiv:2305.08891, section 3.4: guidance makes the prediction larger, and colours
    with it, above all where the noise hides everything.
    """
    grown = guided.std((1, 2, 3), keepdim=True) / positive.std((1, 2, 3), keepdim=True)
    return guided * (share / grown + 1 - share)
