from __future__ import annotations

import os
from functools import partial

import pytest

from tagkit.commands.processes import core_count, in_order
from tagkit.errors import UserError


def doubling(by: int):
    return partial(times, by)


def times(by: int, number: int) -> tuple[int, int]:
    if number < 0:
        os._exit(1)
    return number * by, os.getpid()


def test_results_come_in_the_order_of_the_tasks():
    results = list(in_order(partial(doubling, 2), range(100), 3))
    assert [value for value, _ in results] == [2 * number for number in range(100)]
    assert len({process for _, process in results} - {os.getpid()}) == 3


def test_tasks_are_taken_as_they_are_needed():
    taken = []

    def tasks():
        for number in range(50):
            taken.append(number)
            yield number

    results = in_order(partial(doubling, 2), tasks(), 2)
    next(results)
    assert len(taken) < 10
    results.close()


def test_a_worker_that_dies_is_told():
    with pytest.raises(UserError, match="has died"):
        list(in_order(partial(doubling, 2), [1, -1, 2], 1))


def test_there_is_a_core():
    assert core_count() >= 1
