"""All that is known of a training before it begins. Needs no torch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from tagkit.training.batches import Order
from tagkit.training.buckets import Fit, Size, bucket_of, bucket_sizes, fitted
from tagkit.training.dataset import Picture, find_pictures
from tagkit.training.recipe import Read
from tagkit.training.starting import Source, find_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tagkit.settings import Settings
    from tagkit.training.recipe import Recipe

# More of a picture than this is hardly ever meant to be cut off.
_MUCH_LOST = 0.25
_NAMED_AT_MOST = 3


class Plan(msgspec.Struct, frozen=True):
    """A recipe with its pictures, each in its bucket, and what it starts from.

    sizes: the bucket of each picture. steps: of the optimiser, in all.
    """

    read: Read
    source: Source
    pictures: tuple[Picture, ...]
    sizes: tuple[Size, ...]
    steps: int
    warnings: tuple[str, ...] = ()

    @property
    def recipe(self) -> Recipe:
        """The recipe, complete."""
        return self.read.recipe

    @property
    def order(self) -> Order:
        """The batches."""
        return Order(
            self.sizes,
            [each.repeats for each in self.pictures],
            [each.regular for each in self.pictures],
            self.recipe.batch_size,
            self.recipe.seed,
        )

    @property
    def buckets(self) -> Counter[Size]:
        """Pictures in each bucket, repeats not counted."""
        return Counter(self.sizes)

    def fit(self, index: int) -> Fit:
        """How a picture comes to its bucket."""
        picture = self.pictures[index]
        return fitted(picture.width, picture.height, self.sizes[index])


def make_plan(read: Read, settings: Settings) -> Plan:
    """The plan of a recipe. Raises UserError for what it names and is not there or is no good."""
    recipe = read.recipe
    source = find_source(read, settings)
    sizes = bucket_sizes(recipe.buckets)
    pictures = find_pictures(read)
    placed = tuple(bucket_of(each.width, each.height, sizes, recipe.buckets) for each in pictures)
    plan = Plan(read, source, pictures, placed, recipe.max_steps or 0)
    steps = recipe.max_steps or _steps_of(plan)
    return msgspec.structs.replace(plan, steps=steps, warnings=tuple(_warnings(plan)))


def _steps_of(plan: Plan) -> int:
    """Steps of as many epochs; batches that are left over make a last, smaller step."""
    batches = plan.order.batches_in(plan.recipe.epochs or 1)
    return -(-batches // plan.recipe.gradient_accumulation)


def _warnings(plan: Plan) -> Iterator[str]:
    fits = [plan.fit(index) for index in range(len(plan.pictures))]
    enlarged = [
        picture.path.name
        for picture, fit in zip(plan.pictures, fits, strict=True)
        if fit.width > picture.width
    ]
    if enlarged:
        yield f"{_some(enlarged)} smaller than the bucket and will be enlarged"
    cut = [
        picture.path.name
        for picture, fit in zip(plan.pictures, fits, strict=True)
        if fit.lost > _MUCH_LOST
    ]
    if cut:
        yield f"{_some(cut)} cut by more than a quarter: no bucket has the shape"


def _some(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_NAMED_AT_MOST])
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return f"{shown}{more} {'are' if len(names) > 1 else 'is'}"
