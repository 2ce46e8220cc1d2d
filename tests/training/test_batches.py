from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest

from tagkit.cards import Schedule
from tagkit.training.batches import Order
from tagkit.training.buckets import Size
from tagkit.training.rates import share_of_rate

A, B = Size(64, 64), Size(96, 32)
SIZES = [A, A, A, B, B, A, A, B]
REGULAR = [False] * 5 + [True] * 3


def order(seed=0, batch_size=2, repeats=(1,) * 8, regular=REGULAR):
    return Order(SIZES, repeats, regular, batch_size, seed)


def test_a_batch_is_of_one_bucket():
    for batch in order().epoch(0):
        assert len({SIZES[index] for index in batch}) == 1
        assert len(batch) <= 2


def test_every_picture_is_seen_as_often_as_said():
    batches = order(repeats=(3, 1, 1, 1, 1, 1, 1, 1), regular=[False] * 8).epoch(0)
    seen = Counter(index for batch in batches for index in batch)
    assert seen == {0: 3, **dict.fromkeys(range(1, 8), 1)}


def test_as_many_of_the_regularisation_set_are_seen_as_of_the_others():
    for epoch in range(5):
        seen = Counter(index for batch in order().epoch(epoch) for index in batch)
        assert sum(count for index, count in seen.items() if REGULAR[index]) == 5
        assert max(seen[index] for index in (5, 6, 7)) == 2


def test_epochs_differ_and_come_back_by_seed():
    assert order().epoch(0) != order().epoch(1)
    assert order().epoch(1) == order().epoch(1)
    assert order(seed=1).epoch(0) != order().epoch(0)


@pytest.mark.parametrize("skipped", [0, 1, 5, 17])
def test_going_on_is_as_if_never_stopped(skipped):
    straight = list(islice(order().since(0), 40))
    assert list(islice(order().since(skipped), 40 - skipped)) == straight[skipped:]
    assert [number for number, _, _ in straight] == list(range(40))


def test_batches_of_epochs_are_counted():
    count = order().batches_in(3)
    assert [epoch for _, epoch, _ in islice(order().since(0), count + 1)][-2:] == [2, 3]


def test_the_rate_rises_and_then_stays_or_falls():
    constant, cosine = Schedule(warmup_steps=4), Schedule("cosine", 4)
    assert [share_of_rate(constant, step, 10) for step in (0, 1, 3, 9)] == [0.25, 0.5, 1, 1]
    assert [share_of_rate(cosine, step, 12) for step in (3, 4, 8, 12)] == pytest.approx(
        [1, 1, 0.5, 0]
    )
    assert share_of_rate(Schedule("linear"), 3, 12) == pytest.approx(0.75)
    assert share_of_rate(Schedule(), 0, 1) == 1
