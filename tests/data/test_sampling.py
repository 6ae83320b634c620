"""Which image stands in which batch."""

import numpy as np
import pytest

from imgclf.data.loading.sampling import batch_seed, evaluation_batches, training_batches
from imgclf.data.stored_images import Blocks


def test_an_epoch_is_a_permutation_of_its_own() -> None:
    """Each image once, in an order that seed and epoch decide."""
    first = np.concatenate(training_batches(100, 8, seed=1, epoch=0))
    assert sorted(first.tolist()) == list(range(100))
    assert np.array_equal(first, np.concatenate(training_batches(100, 8, seed=1, epoch=0)))
    for seed, epoch in ((1, 1), (2, 0)):
        assert not np.array_equal(first, np.concatenate(training_batches(100, 8, seed=seed, epoch=epoch)))


@pytest.mark.parametrize(("count", "sizes"), [(17, [8, 8]), (18, [8, 8, 2]), (16, [8, 8]), (1, []), (5, [5])])
def test_a_last_batch_of_one_is_left_out(count: int, sizes: list[int]) -> None:
    """Batch normalisation meets no batch of a single image."""
    assert [len(batch) for batch in training_batches(count, 8, seed=0, epoch=0)] == sizes


def test_a_batch_size_of_one_is_respected() -> None:
    """Who asks for single images gets all of them."""
    assert len(training_batches(5, 1, seed=0, epoch=0)) == 5


@pytest.mark.parametrize("count", [64, 65, 66, 67])
def test_ranks_share_an_epoch_equally(count: int) -> None:
    """Three ranks get batches of equal size without a common image; what is left out changes from epoch to epoch."""
    left_out = set()
    for epoch in range(40):
        shares = [
            training_batches(count, 8, seed=3, epoch=epoch, rank=rank, world_size=3) for rank in range(3)
        ]
        assert len({tuple(map(len, share)) for share in shares}) == 1
        seen = np.concatenate([batch for share in shares for batch in share])
        assert len(seen) == len(set(seen.tolist()))
        left_out.add(tuple(sorted(set(range(count)) - set(seen.tolist()))))
    assert len(left_out) > 1 or len(seen) == count


@pytest.mark.parametrize("world_size", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 5, 20])
def test_evaluation_sees_each_image_once(count: int, world_size: int) -> None:
    """No duplicates pad the shares, and none is missing."""
    shares = [evaluation_batches(count, 4, rank=rank, world_size=world_size) for rank in range(world_size)]
    seen = [index for share in shares for batch in share for index in batch.tolist()]
    assert sorted(seen) == list(range(count))
    if world_size == 1:
        assert seen == list(range(count))


def test_weights_draw_in_proportion() -> None:
    """An image of weight three comes three times as often as one of weight one, and one of weight zero never."""
    weights = np.array([3.0, 1.0, 0.0] * 1000)
    drawn = np.concatenate(training_batches(3000, 64, seed=0, epoch=0, weights=weights)) % 3
    counts = np.bincount(drawn, minlength=3)
    assert counts[2] == 0
    assert 2.6 < counts[0] / counts[1] < 3.4


def test_every_batch_has_a_seed_of_its_own() -> None:
    """Seed, epoch, batch and rank all count."""
    seeds = {batch_seed(*key) for key in np.ndindex(3, 3, 3, 3)}
    assert len(seeds) == 81
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert batch_seed(1, 2, 3, 4) == batch_seed(1, 2, 3, 4)


@pytest.mark.parametrize("weights", [None, np.ones(120)])
def test_images_that_are_read_together_are_near_each_other(weights: np.ndarray | None) -> None:
    """Of 12 blocks three are mixed at a time, others in each epoch; without weights each image still comes once."""
    blocks = Blocks(np.repeat(np.arange(12), 10), together=3)
    neighbours = []
    for epoch in range(2):
        batches = training_batches(120, 10, seed=0, epoch=epoch, blocks=blocks, weights=weights)
        order = np.concatenate(batches)
        if weights is None:
            assert sorted(order.tolist()) == list(range(120))
            assert all(len(set(part // 10)) == 3 for part in order.reshape(4, 30))
        else:
            assert len(set(order[:15] // 10)) <= 3
        assert len(set(order[:10] // 10)) > 1
        neighbours.append(sorted(set(order[:15] // 10)))
    assert neighbours[0] != neighbours[1]
