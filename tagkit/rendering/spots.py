"""What of a picture the detailer draws again: finds chosen, made into masks, each with its prompt.

After A1111's extension ADetailer: finds are filtered by area, the best are taken, sorted, moved and
dilated; each has its own part of the prompt and its own seed.
"""

from __future__ import annotations

import re
from math import dist
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from tagkit.rendering.masking import blurred, box_mask, dilated
from tagkit.rendering.pipeline import first_pass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from tagkit.rendering.detecting import Found
    from tagkit.rendering.job import DetailerPass, Job
    from tagkit.rendering.pipeline import Pass

    Pixels = npt.NDArray[np.uint8]

_GRID, _OFF_HALFWAY = 4, 0.3
_SEPARATOR = re.compile(r"\s*\[SEP\]\s*")
_SKIP = re.compile(r"\s*\[SKIP\]\s*")


class Spot(NamedTuple):
    """One soft mask of the picture at `owner` in a batch; width, height: as it is drawn."""

    owner: int
    mask: Pixels
    settings: DetailerPass
    width: int
    height: int
    drawing: Pass


def spots_of(
    owner: int, picture: Pixels, found: Sequence[Found], job: Job, settings: DetailerPass
) -> Iterator[Spot]:
    """What to draw of the finds in a picture, one after the other.

    A whole picture (not `only_masked`) is drawn at its own size if none is asked for.
    """
    height, width = picture.shape[:2]
    masks = masks_of(chosen(found, settings, width, height), settings, width, height)
    size = (settings.width or job.width, settings.height or job.height)
    if not settings.only_masked and not (settings.width and settings.height):
        size = (width, height)
    for place, mask in enumerate(masks):
        drawing, soft = _pass(job, settings, place), blurred(mask, settings.blur)
        if soft.any() and not _SKIP.fullmatch(drawing.prompt):
            yield Spot(owner, soft, settings, *size, drawing)


def chosen(found: Sequence[Found], settings: DetailerPass, width: int, height: int) -> list[Found]:
    """What of the finds is drawn, and in which order: by share of the picture, the best, sorted."""
    least, most = (settings.min_ratio * width * height, settings.max_ratio * width * height)
    kept = [each for each in found if least <= _area(each) <= most]
    if settings.top_k:
        by = _area if settings.select == "area" else _score
        kept = sorted(kept, key=by, reverse=True)[: settings.top_k]
    middle = (width / 2, height / 2)
    keys: dict[str, Callable[[Found], float]] = {
        "left-to-right": lambda each: each.box[0],
        "center-to-edge": lambda each: dist(middle, _middle(each)),
        "area": lambda each: -_area(each),
    }
    return sorted(kept, key=keys[settings.sort]) if settings.sort in keys else kept


def masks_of(
    found: Sequence[Found], settings: DetailerPass, width: int, height: int
) -> list[Pixels]:
    """Their masks, 255 inside, moved and dilated; those of which nothing is left are dropped.

    What is moved out of the picture comes in again on the other side, as in ADetailer.
    """
    masks = []
    for each in found:
        mask = box_mask(_steady(each.box), width, height)
        if each.mask is not None:
            mask = each.mask.astype(np.uint8) * 255
        moved = np.roll(mask, (-settings.y_offset, settings.x_offset), axis=(0, 1))
        masks.append(dilated(moved, settings.dilate))
    return [mask for mask in masks if mask.any()]


def _steady(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """To about the nearest four pixels; halfway lies off whole and half pixels, where edges are.

    What a batch of another size rounds otherwise moves a box by a hundredth of a pixel. Were its
    edges cut off at whole pixels, every tenth crop would be another one by that.
    """
    left, top, right, bottom = (_GRID * round((side + _OFF_HALFWAY) / _GRID) for side in box)
    return left, top, right, bottom


def part_of(text: str, main: str, place: int) -> str:
    """What is said of the mask at `place` by a text whose parts `[SEP]` divides.

    The last part is for all that follow; an empty one is `main`, and `[PROMPT]` stands for it.
    """
    parts = _SEPARATOR.split(text)
    part = parts[min(place, len(parts) - 1)]
    return part.replace("[PROMPT]", f" {main} ") if part else main


def _pass(job: Job, settings: DetailerPass, place: int) -> Pass:
    """As the first pass, but for what the settings say, and counted as img2img counts steps."""
    return msgspec.structs.replace(
        first_pass(job),
        prompt=part_of(settings.prompt, job.prompt, place),
        negative=part_of(settings.negative, job.negative, place),
        seed=job.seed + place,
        steps=settings.steps or job.steps,
        cfg=job.cfg if settings.cfg is None else settings.cfg,
        sampler=settings.sampler or job.sampler,
        scheduler=settings.scheduler or job.scheduler,
        denoise=settings.denoise,
        exact=False,
    )


def _area(found: Found) -> float:
    left, top, right, bottom = found.box
    return (right - left) * (bottom - top)


def _score(found: Found) -> float:
    return found.score


def _middle(found: Found) -> tuple[float, float]:
    left, top, right, bottom = found.box
    return (left + right) / 2, (top + bottom) / 2
