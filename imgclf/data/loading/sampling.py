"""Which image stands in which batch: a function of seed, epoch, rank and nothing else."""

import numpy as np

from imgclf.data.stored_images import Blocks


def training_batches(
    count: int,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    rank: int = 0,
    world_size: int = 1,
    weights: np.ndarray | None = None,
    blocks: Blocks | None = None,
) -> list[np.ndarray]:
    """Return this rank's batches of one training epoch.

    Every rank draws the same order and takes each ``world_size``-th image of it; the few that would make the shares
    unequal are left out, others in each epoch. A final batch of a single image is left out, because batch
    normalisation cannot learn from it.

    Args:
        count: number of images.
        batch_size: images per batch and rank.
        seed: the run's seed.
        epoch: the epoch's number.
        rank: this process among ``world_size``.
        world_size: number of processes.
        weights: float (N,); draw with replacement in proportion to these. None is a permutation.
        blocks: which images are read together: the blocks are shuffled, and images only among ``blocks.together`` of
            them. None shuffles all.

    Returns:
        int64 (batch_size,) indices for each batch; the last may be shorter.
    """
    generator = np.random.default_rng([seed, epoch])
    if weights is None:
        order = generator.permutation(count)
    else:
        chances = np.asarray(weights, dtype=np.float64)
        order = generator.choice(count, size=count, p=chances / chances.sum())
    if blocks is not None:
        places = generator.permutation(int(blocks.of_image.max(initial=0)) + 1)
        order = order[np.argsort((places // blocks.together)[blocks.of_image[order]], kind="stable")]
    share = order[: count - count % world_size][rank::world_size]
    batches = _cut(share, batch_size)
    if batch_size > 1 and batches and len(batches[-1]) == 1:
        batches.pop()
    return batches


def evaluation_batches(
    count: int, batch_size: int, *, rank: int = 0, world_size: int = 1
) -> list[np.ndarray]:
    """Return this rank's batches of an evaluation: over all ranks each image once, none twice, none left out."""
    return _cut(np.arange(rank, count, world_size), batch_size)


def batch_seed(seed: int, epoch: int, number: int, rank: int) -> int:
    """Return the seed of one batch's augmentation, in [0, 2**63)."""
    state = np.random.SeedSequence([seed, epoch, number, rank]).generate_state(1, np.uint64)[0]
    return int(state >> np.uint64(1))


def _cut(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return [order[first : first + batch_size] for first in range(0, len(order), batch_size)]
