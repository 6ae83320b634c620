"""Perceptual hashes and the search for near-duplicate pairs."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from imgclf.data.lookalikes.hashing import (
    hash_thumbnail,
    near_duplicate_pairs,
    perceptual_hash,
    perceptual_hashes,
)
from imgclf.errors import DataError


def photo(seed: int, size: int = 96) -> Image.Image:
    """A smooth random picture, which has low frequencies as photographs have."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)


def brute_force(a: np.ndarray, b: np.ndarray, distance: int) -> set[tuple[int, int, int]]:
    """Every pair compared with every other."""
    bits = np.bitwise_count(a[:, None] ^ b[None, :])
    return {(int(i), int(j), int(bits[i, j])) for i, j in np.argwhere(bits <= distance)}


def clustered_hashes(seed: int, count: int) -> np.ndarray:
    """Random hashes of which some are copies of others with a few bits flipped."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, count, dtype=np.uint64)
    flips = np.bitwise_or.reduce(
        np.uint64(1) << rng.integers(0, 64, (count // 2, 4)).astype(np.uint64), axis=1
    )
    hashes[count // 2 : count // 2 * 2] = hashes[: count // 2] ^ flips
    hashes[-1] = hashes[0]
    return hashes


def test_known_hash():
    """The bits of a fixed picture are those that imagehash.phash 4.3.2 gives."""
    ramp = np.add.outer(np.arange(64) ** 2 // 20, np.arange(64) * 2).clip(0, 255).astype(np.uint8)
    assert f"{perceptual_hash(Image.fromarray(ramp)):016x}" == "802ad52ad527db37"


def test_one_hash_equals_many():
    """Hashing one image and hashing a stack of thumbnails give the same bits."""
    images = [photo(seed) for seed in range(5)]
    together = perceptual_hashes(np.stack([hash_thumbnail(image) for image in images]))
    assert together.dtype == np.uint64
    assert [int(value) for value in together] == [perceptual_hash(image) for image in images]


def test_small_changes_move_few_bits():
    """A scaled, brightened or recompressed copy stays within four bits, another picture does not."""
    original = photo(1)
    copies = [
        original.resize((61, 61)),
        ImageEnhance.Brightness(original).enhance(0.8),
        original.convert("L"),
    ]
    assert all((perceptual_hash(original) ^ perceptual_hash(copy)).bit_count() <= 4 for copy in copies)
    assert (perceptual_hash(original) ^ perceptual_hash(photo(2))).bit_count() > 10


def test_flat_images_share_one_hash():
    """Floating-point noise decides nothing: flat images of any brightness hash alike."""
    hashes = {perceptual_hash(Image.new("L", (40, 30), level)) for level in (1, 77, 200, 255)}
    assert len(hashes) == 1


@pytest.mark.parametrize("distance", [0, 1, 4, 7, 16])
def test_pairs_equal_brute_force_within_one_set(distance):
    """The banded search finds exactly the pairs that comparing all with all finds, each once."""
    hashes = clustered_hashes(0, 120)
    i, j, bits = near_duplicate_pairs(hashes, max_distance=distance)
    found = list(zip(i.tolist(), j.tolist(), bits.tolist(), strict=True))
    assert set(found) == {pair for pair in brute_force(hashes, hashes, distance) if pair[0] < pair[1]}
    assert len(set(found)) == len(found)
    assert found == sorted(found, key=lambda pair: (pair[2], pair[0], pair[1]))


def test_pairs_equal_brute_force_between_two_sets():
    """Two sets are searched against each other, with indices into each."""
    hashes = clustered_hashes(1, 200)
    a, b = hashes[:70], hashes[70:]
    i, j, bits = near_duplicate_pairs(a, b, max_distance=4)
    assert set(zip(i.tolist(), j.tolist(), bits.tolist(), strict=True)) == brute_force(a, b, 4)


def test_many_equal_hashes_make_a_star_not_all_pairs():
    """A thousand blank images are linked to the first one only, so the result stays small."""
    i, j, bits = near_duplicate_pairs(np.zeros(1000, np.uint64))
    assert i.tolist() == [0] * 999
    assert j.tolist() == list(range(1, 1000))
    assert not bits.any()


def test_many_equal_hashes_between_two_sets_stay_connected():
    """Of two large groups of equal hashes every image has at least one partner on the other side."""
    i, j, _ = near_duplicate_pairs(np.zeros(100, np.uint64), np.zeros(200, np.uint64))
    assert len(i) == 299
    assert set(i.tolist()) == set(range(100))
    assert set(j.tolist()) == set(range(200))


def test_no_hashes_no_pairs():
    """Empty sets give empty arrays."""
    empty = np.empty(0, np.uint64)
    assert all(len(values) == 0 for values in near_duplicate_pairs(empty))
    assert all(len(values) == 0 for values in near_duplicate_pairs(np.ones(3, np.uint64), empty))
    assert all(len(values) == 0 for values in near_duplicate_pairs(empty, np.ones(3, np.uint64)))


@pytest.mark.parametrize("distance", [-1, 17])
def test_distance_out_of_range(distance):
    """A distance that makes no sense is refused with the range that does."""
    with pytest.raises(DataError) as caught:
        near_duplicate_pairs(np.zeros(2, np.uint64), max_distance=distance)
    assert str(caught.value) == (
        f"The distance of near-duplicates is {distance}; it must be 0 (equal hashes) to 16. "
        f"4 finds re-encoded and slightly changed copies."
    )
