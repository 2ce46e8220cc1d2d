"""Which pictures make the batches of an epoch: one bucket a batch, everything drawn from a seed.

The order is a function of seed and epoch alone, so that training goes on from any step without
anything being remembered.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tagkit.training.buckets import Size

# Numbers of pictures of one bucket.
Batch: TypeAlias = "tuple[int, ...]"


def epoch_batches(
    sizes: Sequence[Size],
    repeats: Sequence[int],
    regular: Sequence[bool],
    batch_size: int,
    random: Random,
) -> list[Batch]:
    """The batches of one epoch.

    sizes: the bucket of each picture. repeats: how often each is seen. regular: whether it is of
    the regularisation set, of which as many are seen as of the others.
    """
    seen = [index for index, times in enumerate(repeats) for _ in range(times)]
    own = [index for index in seen if not regular[index]]
    others = [index for index in seen if regular[index]]
    buckets: dict[Size, list[int]] = {}
    for index in [*own, *_as_many(others, len(own), random)]:
        buckets.setdefault(sizes[index], []).append(index)
    batches: list[Batch] = []
    for size in sorted(buckets):
        members = buckets[size]
        random.shuffle(members)
        batches += [
            tuple(members[start : start + batch_size])
            for start in range(0, len(members), batch_size)
        ]
    random.shuffle(batches)
    return batches


def _as_many(indices: list[int], count: int, random: Random) -> list[int]:
    """`count` of them, each about as often as the others."""
    if not indices:
        return []
    whole, rest = divmod(count, len(indices))
    return indices * whole + random.sample(indices, rest)


class Order:
    """The endless row of batches, epoch after epoch."""

    def __init__(
        self,
        sizes: Sequence[Size],
        repeats: Sequence[int],
        regular: Sequence[bool],
        batch_size: int,
        seed: int,
    ) -> None:
        self._pictures = (tuple(sizes), tuple(repeats), tuple(regular))
        self._batch_size = batch_size
        self._seed = seed

    def epoch(self, number: int) -> list[Batch]:
        """The batches of an epoch, counted from 0."""
        random = Random(f"epoch {number} of {self._seed}")
        return epoch_batches(*self._pictures, self._batch_size, random)

    def batches_in(self, epochs: int) -> int:
        """Batches of the first so many epochs."""
        return sum(len(self.epoch(number)) for number in range(epochs))

    def since(self, skipped: int) -> Iterator[tuple[int, int, Batch]]:
        """Number of the batch, its epoch, and the batch; the first `skipped` are left out."""
        number = epoch = 0
        while True:
            batches = self.epoch(epoch)
            for place, batch in enumerate(batches, start=number):
                if place >= skipped:
                    yield place, epoch, batch
            number += len(batches)
            epoch += 1
