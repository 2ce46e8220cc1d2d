"""What is left of a model's distribution when whole tags are refused.

A tag is several tokens. Refusing one must take away exactly that tag's probability and leave all
others in proportion, so the tokens tried at one tag position form a tree: a node holds the model's
own probabilities of its children, and how much of each child has not been refused. A child is
drawn with `probability * share left below it`; that is the model's distribution over whole tags
without the refused ones, renormalised.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from random import Random


class Node:
    """A place inside a tag: what may follow it, and how much of that is left.

    ids and probabilities: the children, ascending by token id; probabilities sum to 1.
    slot: the cache column of the token that led here.
    children: nodes that the model has computed, by index into `ids`.
    """

    __slots__ = ("children", "ids", "probabilities", "slot", "weights")

    def __init__(self, slot: int, ids: Sequence[int], probabilities: Sequence[float]) -> None:
        self.slot = slot
        self.replace(ids, probabilities)

    def replace(self, ids: Sequence[int], probabilities: Sequence[float]) -> None:
        """Give the node other children; the old ones must be used up."""
        self.children: dict[int, Node] = {}
        self.ids = ids
        self.probabilities = probabilities
        self.weights = list(probabilities)

    @property
    def left(self) -> float:
        """The share of this node's probability that is not refused, 0 to 1."""
        return sum(self.weights)

    def draw(self, random: Random | None) -> int | None:
        """Index of a child, without `random` the likeliest that is left; None if none is."""
        open_ = [index for index, weight in enumerate(self.weights) if weight > 0.0]
        if not open_:
            return None
        if random is None:
            return max(open_, key=self.probabilities.__getitem__)
        sums = list(accumulate(self.weights[index] for index in open_))
        point = random.random() * sums[-1]
        return next((i for i, bound in zip(open_, sums, strict=True) if point < bound), open_[-1])


def refuse(path: Sequence[tuple[Node, int]], alike: Collection[int] = ()) -> None:
    """Take away the last step of `path`, pairs of a node and the index drawn there.

    alike: token ids that would finish the same tag at the last node; they go with it.
    """
    node, drawn = path[-1]
    for index, token in enumerate(node.ids):
        if index == drawn or token in alike:
            node.weights[index] = 0.0
    for parent, index in reversed(path[:-1]):
        parent.weights[index] = parent.probabilities[index] * node.left
        node = parent
