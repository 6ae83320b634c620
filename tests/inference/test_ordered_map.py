"""Mapping in threads: order, bounds, errors, early ends."""

import threading
import time

import pytest

from imgclf.inference.ordered_map import ordered_map


def test_results_come_in_input_order() -> None:
    """A slow first item does not let others overtake it."""

    def slow_first(item: int) -> int:
        time.sleep(0.05 if item == 0 else 0)
        return item * 10

    assert list(ordered_map(slow_first, range(20), workers=4)) == [item * 10 for item in range(20)]


def test_items_are_taken_only_as_needed() -> None:
    """The stream is read at most two items a worker ahead."""
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    results = ordered_map(abs, items(), workers=2)
    next(results)
    assert len(taken) <= 4
    results.close()


def test_error_is_raised_where_its_result_would_be() -> None:
    """Results before a failing item still arrive."""

    def invert(item: int) -> float:
        return 1 / item

    results = ordered_map(invert, [1, 2, 0, 4], workers=1)
    assert [next(results), next(results)] == [1.0, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_early_end_leaves_no_thread() -> None:
    """Closing the stream ends its workers."""
    results = ordered_map(abs, iter(range(1000)), workers=3)
    next(results)
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("imgclf-predict")]
