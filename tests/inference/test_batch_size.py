"""The batch size is measured on the first batches of the real work."""

from imgclf.inference.batch_size import BatchSizer


def _work(sizer: BatchSizer, seconds_per_image: dict[int, float], batches: int = 40) -> int:
    for _ in range(batches):
        size = sizer.next_size()
        sizer.record(size, size * seconds_per_image[size])
    return sizer.next_size()


def test_fastest_size_per_image_wins() -> None:
    """After its trials the sizer stays with what was fastest."""
    assert _work(BatchSizer("cpu"), {1: 3.0, 2: 2.0, 4: 1.0, 8: 1.5}) == 4


def test_larger_batches_must_be_worth_it() -> None:
    """A gain within the noise does not buy a larger batch."""
    assert _work(BatchSizer("cpu"), {1: 1.0, 2: 0.99, 4: 0.99, 8: 0.98}) == 1


def test_first_slow_batch_of_a_size_does_not_count() -> None:
    """The first batch of a size pays for its preparation."""
    sizer = BatchSizer("cpu")
    seen: dict[int, int] = {}
    for _ in range(20):
        size = sizer.next_size()
        seen[size] = seen.get(size, 0) + 1
        sizer.record(size, size * (9.0 if seen[size] == 1 else 1.0 / size))
    assert sizer.next_size() == 8


def test_fixed_size_is_kept() -> None:
    """A size that the caller insists on is never changed."""
    assert _work(BatchSizer("cpu", 7), {7: 1.0}) == 7


def test_accelerators_start_larger() -> None:
    """A GPU tries batches that would hurt a CPU."""
    assert BatchSizer("cuda").next_size() == 16
