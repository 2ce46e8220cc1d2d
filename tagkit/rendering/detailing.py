"""The detailer: faces or hands are found, cut out, drawn again larger, and pasted back.

One mask after the other is drawn on the picture so far, as ADetailer does. Other than there, crops
of many pictures are drawn in one batch; what comes of a picture does not depend on its neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch

from tagkit.rendering.masking import (
    Region,
    cropped,
    grown,
    latent_mask,
    masked_region,
    pasted,
)
from tagkit.rendering.spots import Spot, spots_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from tagkit.rendering.detecting import Found
    from tagkit.rendering.job import DetailerPass, Job
    from tagkit.rendering.pipeline import Pass

    Pixels = npt.NDArray[np.uint8]
    Detect = Callable[[Pixels, float], Sequence[Found]]

_MOST_AT_ONCE = 8


class Repainter(Protocol):
    """What the detailer needs of a pipeline."""

    most_pixels: int

    def encoded(self, pictures: Sequence[Pixels]) -> Tensor:
        """Pictures of one size as latents."""

    def repainted(
        self, latents: Tensor, passes: Sequence[Pass], mask: Tensor | None = None
    ) -> Tensor:
        """The latents drawn over where the mask is 1."""

    def picture(self, latent: Tensor) -> Pixels:
        """A latent as a picture."""


def detailed(
    pictures: Sequence[Pixels],
    jobs: Sequence[Job],
    open_detector: Callable[[DetailerPass], Detect],
    pipeline: Repainter,
) -> list[Pixels]:
    """The pictures of these jobs, (height, width, 3), after their detailer passes.

    open_detector: the detector that a pass names. Raises MemoryError where the device has too
    little for the crops of so many pictures, UserError from the detectors.
    """
    results = list(pictures)
    for stage in range(max((len(job.detailer) for job in jobs), default=0)):
        spots = []
        for owner, job in enumerate(jobs):
            for settings in job.detailer[stage : stage + 1]:
                found = open_detector(settings)(results[owner], settings.confidence)
                spots.append([*spots_of(owner, results[owner], found, job, settings)])
        for place in range(max(map(len, spots))):
            _draw([each[place] for each in spots if place < len(each)], results, pipeline)
    return results


def _draw(spots: Sequence[Spot], results: list[Pixels], pipeline: Repainter) -> None:
    """Draws one spot of each of several pictures and puts it into `results`."""
    groups: dict[tuple[object, ...], list[Spot]] = {}
    for spot in spots:
        key = (spot.width, spot.height, *spot.drawing.batch_key)
        groups.setdefault(key, []).append(spot)
    for group in groups.values():
        pixels = group[0].width * group[0].height
        size = max(1, min(_MOST_AT_ONCE, pipeline.most_pixels // pixels))
        for at in range(0, len(group), size):
            _draw_batch(group[at : at + size], results, pipeline)


def _draw_batch(spots: Sequence[Spot], results: list[Pixels], pipeline: Repainter) -> None:
    cuts = [_Cut.of(spot, results[spot.owner]) for spot in spots]
    latents = pipeline.encoded([cut.crop for cut in cuts])
    mask = torch.from_numpy(np.stack([cut.drawn for cut in cuts])[:, None])
    drawn = pipeline.repainted(latents, [spot.drawing for spot in spots], mask)
    for spot, cut, latent in zip(spots, cuts, drawn, strict=True):
        patch, picture = pipeline.picture(latent), results[spot.owner]
        results[spot.owner] = pasted(picture, patch, cut.region, cut.weight)


class _Cut(NamedTuple):
    """A spot cut out: its region, the crop, which latents to draw, and how it is mixed in."""

    region: Region
    crop: Pixels
    drawn: npt.NDArray[np.float32]
    weight: Pixels

    @classmethod
    def of(cls, spot: Spot, picture: Pixels) -> _Cut:
        height, width = picture.shape[:2]
        region, weight = Region(0, 0, width, height), spot.mask
        if spot.settings.only_masked:
            tight = masked_region(spot.mask, spot.settings.padding)
            region = grown(tight, spot.width / spot.height, width, height)
        else:
            # A1111 lays the soft edge of a whole picture's mask outside of what is drawn.
            weight = np.minimum(spot.mask.astype(np.uint16) * 2, 255).astype(np.uint8)
        crop = cropped(picture, region, spot.width, spot.height)
        drawn = latent_mask(cropped(spot.mask, region, spot.width, spot.height))
        return cls(region, crop, drawn, weight)
