"""Work ahead of its use: order, errors where they belong, never more than a few items waiting."""

from __future__ import annotations

from threading import Lock

import pytest

from tagkit.training.ahead import ahead


def test_results_come_in_order_however_long_each_takes():
    assert list(ahead(lambda n: sum(range(n % 7 * 10_000)) * 0 + n, range(50))) == list(range(50))


def test_an_error_comes_where_its_result_is_taken():
    def halves(number):
        if number == 3:
            raise ValueError("odd")
        return number

    results = ahead(halves, range(9))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="odd"):
        next(results)


def test_a_few_are_worked_out_and_no_more():
    lock, begun = Lock(), []

    def note(number):
        with lock:
            begun.append(number)
        return number

    results = ahead(note, range(1000))
    assert next(results) == 0
    assert len(begun) < 20
    results.close()
    assert len(begun) < 20
