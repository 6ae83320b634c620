"""Which images look alike: a perceptual hash of 64 bits, and all pairs of hashes within a Hamming distance.

The hash is the DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010): the
8 x 8 lowest frequencies of a 32 x 32 grey thumbnail, each compared with their median. It gives the same bits as
``imagehash.phash`` (bit 63 is the lowest frequency), without that package's dependency on SciPy. Re-encoding, scaling
and small changes of brightness flip a few bits only, so look-alikes are found by distance, never by equality.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from PIL import Image

from imgclf.errors import DataError

THUMBNAIL_SIZE = 32
_LOW_FREQUENCIES = 8
_HASH_BITS = 64
MAX_DISTANCE_LIMIT = 16
# Images that share one hash are linked all with all up to this many pairs, beyond it to the first one only:
# ten thousand blank scans must not become fifty million pairs.
_ALL_PAIRS_LIMIT = 4096
_CANDIDATES_PER_STEP = 4_000_000


def hash_thumbnail(image: Image.Image) -> np.ndarray:
    """Return the grey 32 x 32 thumbnail that the hash sees, uint8 (32, 32) (BT.601 luma, Lanczos)."""
    grey = image if image.mode == "L" else image.convert("L")
    small = grey.resize((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.LANCZOS)
    return np.asarray(small, dtype=np.uint8)


def perceptual_hash(image: Image.Image) -> int:
    """Return the 64-bit DCT hash of an image of any mode and size, as an unsigned integer.

    >>> left_half_white = Image.fromarray(np.repeat(np.array([[255, 0]], np.uint8), 2, axis=0)).resize((64, 64))
    >>> perceptual_hash(left_half_white) == perceptual_hash(left_half_white.resize((200, 200)).convert("RGB"))
    True
    """
    return int(perceptual_hashes(hash_thumbnail(image)[None])[0])


def perceptual_hashes(thumbnails: np.ndarray) -> np.ndarray:
    """Hash many thumbnails at once.

    Args:
        thumbnails: uint8 (N, 32, 32), each from :func:`hash_thumbnail`.

    Returns:
        uint64 (N,), equal to :func:`perceptual_hash` of each image.
    """
    basis = _dct_basis()
    low = basis @ thumbnails.astype(np.float64) @ basis.T
    # A flat image has frequencies of exactly zero; rounding keeps floating-point noise from setting its bits.
    low = np.round(low, 6).reshape(len(thumbnails), -1)
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64).reshape(-1)


def near_duplicate_pairs(
    hashes_a: np.ndarray, hashes_b: np.ndarray | None = None, max_distance: int = 4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the pairs of hashes that differ in at most ``max_distance`` of their 64 bits.

    By the pigeonhole principle, hashes that differ in at most k bits agree on at least one of k + 1 bands of bits, so
    only hashes that share a band are compared (Manku, Jain, Das Sarma, "Detecting Near-Duplicates for Web Crawling",
    2007). Fifty thousand hashes take about a second.

    Args:
        hashes_a: uint64 (N,).
        hashes_b: uint64 (M,); without it, ``hashes_a`` is searched for pairs of its own.
        max_distance: the largest Hamming distance, 0 (equal hashes) to 16.

    Returns:
        ``(i, j, distance)``, each int64 (P,), sorted by distance, then i, then j. ``i`` indexes ``hashes_a`` and
        ``j`` indexes ``hashes_b``; without ``hashes_b`` each pair comes once, with i < j. Where two hash values are
        shared by so many images that they would make more than 4,096 pairs, each of those images is linked to the
        first of the other side only: everything alike stays connected.

    Raises:
        DataError: ``max_distance`` is out of range.
    """
    if not 0 <= max_distance <= MAX_DISTANCE_LIMIT:
        raise DataError(
            f"The distance of near-duplicates is {max_distance}; it must be 0 (equal hashes) to {MAX_DISTANCE_LIMIT}. "
            f"4 finds re-encoded and slightly changed copies."
        )
    alone = hashes_b is None
    groups_a = _Groups(hashes_a)
    groups_b = groups_a if hashes_b is None else _Groups(hashes_b)
    left, right, distance = _unique_pairs(groups_a.values, groups_b.values, max_distance)
    if alone:
        upper = left <= right
        left, right, distance = left[upper], right[upper], distance[upper]
    return _expand(groups_a, groups_b, (left, right, distance), alone)


class _Groups:
    """The distinct values of an array of hashes, and which images have each."""

    def __init__(self, hashes: np.ndarray) -> None:
        self.values, inverse = np.unique(np.asarray(hashes, dtype=np.uint64), return_inverse=True)
        self._order = np.argsort(inverse, kind="stable")
        self.counts = np.bincount(inverse, minlength=len(self.values))
        self._starts = np.concatenate([[0], np.cumsum(self.counts)])

    def first(self, groups: np.ndarray) -> np.ndarray:
        """Return the first image of each of these groups."""
        first: np.ndarray = self._order[self._starts[groups]]
        return first

    def members(self, group: int) -> np.ndarray:
        """Return the images of one group, ascending."""
        members: np.ndarray = self._order[self._starts[group] : self._starts[group + 1]]
        return members


def _dct_basis() -> np.ndarray:
    """The eight lowest rows of the unnormalised DCT-II of 32 points, float64 (8, 32)."""
    frequency = np.arange(_LOW_FREQUENCIES)[:, None]
    position = np.arange(THUMBNAIL_SIZE)[None, :]
    return 2.0 * np.cos(np.pi * frequency * (2 * position + 1) / (2 * THUMBNAIL_SIZE))


def _unique_pairs(values_a: np.ndarray, values_b: np.ndarray, max_distance: int) -> tuple[np.ndarray, ...]:
    """Pairs of distinct hash values within the distance, each once: (a, b, distance)."""
    keys: list[np.ndarray] = []
    for shift, width in _bands(max_distance + 1):
        mask = np.uint64((1 << width) - 1)
        band_a = (values_a >> np.uint64(shift)) & mask
        band_b = (values_b >> np.uint64(shift)) & mask
        for left, right in _equal_keys(band_a, band_b):
            near = np.bitwise_count(values_a[left] ^ values_b[right]) <= max_distance
            keys.append(left[near] * len(values_b) + right[near])
    joined = np.unique(np.concatenate(keys)) if keys else np.empty(0, np.int64)
    left, right = np.divmod(joined, max(len(values_b), 1))
    distance = np.bitwise_count(values_a[left] ^ values_b[right]).astype(np.int64)
    return left, right, distance


def _bands(count: int) -> list[tuple[int, int]]:
    """Cut the 64 bits into ``count`` bands: (shift, width) each."""
    edges = [_HASH_BITS * band // count for band in range(count + 1)]
    return [(low, high - low) for low, high in itertools.pairwise(edges)]


def _equal_keys(keys_a: np.ndarray, keys_b: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield index pairs with equal keys, at most about four million at a time to bound memory."""
    order = np.argsort(keys_b, kind="stable")
    ordered = keys_b[order]
    starts = np.searchsorted(ordered, keys_a, side="left")
    counts = np.searchsorted(ordered, keys_a, side="right") - starts
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(keys_a):
        done = ends[begin - 1] if begin else 0
        stop = max(int(np.searchsorted(ends, done + _CANDIDATES_PER_STEP, side="right")), begin + 1)
        part = counts[begin:stop]
        left = np.repeat(np.arange(begin, stop), part)
        within = np.arange(len(left)) - np.repeat(np.cumsum(part) - part, part)
        yield left, order[np.repeat(starts[begin:stop], part) + within]
        begin = stop


def _expand(
    groups_a: _Groups, groups_b: _Groups, pairs: tuple[np.ndarray, np.ndarray, np.ndarray], alone: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn pairs of hash values into pairs of images."""
    left, right, distance = pairs
    single = (groups_a.counts[left] == 1) & (groups_b.counts[right] == 1)
    found_i = [groups_a.first(left[single])]
    found_j = [groups_b.first(right[single])]
    found_d = [distance[single]]
    for group_a, group_b, bits in zip(left[~single], right[~single], distance[~single], strict=True):
        i, j = _links(groups_a.members(group_a), groups_b.members(group_b))
        found_i.append(i)
        found_j.append(j)
        found_d.append(np.full(len(i), bits))
    i, j, d = (np.concatenate(parts).astype(np.int64) for parts in (found_i, found_j, found_d))
    if alone:
        i, j, d = (values[i != j] for values in (np.minimum(i, j), np.maximum(i, j), d))
        # A group paired with itself gave each pair in both orders.
        keep = np.unique(i * (int(j.max(initial=0)) + 1) + j, return_index=True)[1]
        i, j, d = i[keep], j[keep], d[keep]
    order = np.lexsort((j, i, d))
    return i[order], j[order], d[order]


def _links(members_a: np.ndarray, members_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of two groups, or, where that is too many, each image with the first of the other group."""
    if len(members_a) * len(members_b) <= _ALL_PAIRS_LIMIT:
        return np.repeat(members_a, len(members_b)), np.tile(members_b, len(members_a))
    i = np.concatenate([members_a, np.full(len(members_b) - 1, members_a[0])])
    j = np.concatenate([np.full(len(members_a), members_b[0]), members_b[1:]])
    return i, j
