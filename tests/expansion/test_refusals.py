from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagkit.expansion.refusals import Node, refuse

# A tag is a path of two indices: first a token, then the token that finishes it.
shares = st.lists(st.floats(0.01, 1.0), min_size=2, max_size=4)


def node(weights: list[float]) -> Node:
    total = sum(weights)
    return Node(0, range(len(weights)), [weight / total for weight in weights])


def tree(first: list[float], second: list[list[float]]) -> Node:
    root = node(first)
    for index in range(len(first)):
        root.children[index] = node(second[index % len(second)])
    return root


def tags(root: Node) -> dict[tuple[int, int], float]:
    """The model's own probability of every tag."""
    return {
        (i, j): root.probabilities[i] * own
        for i, child in root.children.items()
        for j, own in enumerate(child.probabilities)
    }


def drawn(root: Node, tag: tuple[int, int]) -> float:
    """The probability that the tag is drawn now."""
    child = root.children[tag[0]]
    return root.weights[tag[0]] / root.left * child.weights[tag[1]] / child.left


@given(shares, st.lists(shares, min_size=1, max_size=4), st.data())
def test_tags_that_are_not_refused_keep_their_proportions(
    first: list[float], second: list[list[float]], data: st.DataObject
) -> None:
    root = tree(first, second)
    own = tags(root)
    refused = data.draw(st.sets(st.sampled_from(sorted(own)), max_size=len(own) - 1))
    for i, j in refused:
        refuse([(root, i), (root.children[i], j)])
    left = sum(share for tag, share in own.items() if tag not in refused)
    assert root.left == pytest.approx(left)
    for tag, share in own.items():
        if tag not in refused:
            assert drawn(root, tag) == pytest.approx(share / left)


def test_a_used_up_child_is_never_drawn() -> None:
    root = tree([0.9, 0.1], [[0.5, 0.5]])
    for index in range(2):
        refuse([(root, 0), (root.children[0], index)])
    assert {root.draw(Random(seed)) for seed in range(50)} == {1}
    assert root.draw(None) == 1


def test_all_that_finishes_a_tag_goes_with_it() -> None:
    root = tree([0.9, 0.1], [[0.2, 0.3, 0.5]])
    refuse([(root, 0), (root.children[0], 1)], alike={1, 2})
    assert root.children[0].weights == [pytest.approx(0.2), 0.0, 0.0]
    assert root.left == pytest.approx(0.9 * 0.2 + 0.1)


def test_nothing_left_is_said() -> None:
    root = node([0.5, 0.5])
    refuse([(root, 0)])
    refuse([(root, 1)])
    assert root.left == 0
    assert root.draw(Random(1)) is None
    assert root.draw(None) is None


def test_without_randomness_the_likeliest_that_is_left_is_taken() -> None:
    root = node([0.5, 0.3, 0.2])
    assert root.draw(None) == 0
    refuse([(root, 0)])
    assert root.draw(None) == 1
