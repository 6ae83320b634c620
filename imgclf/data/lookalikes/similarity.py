"""Whether two images with close perceptual hashes are copies, or only laid out alike.

A hash of 64 bits knows only the layout: of one dataset, 177,000 pairs of different shoes and shirts may lie within
four bits of each other. So the thumbnails are compared as well, without what all images of the dataset share.
"""

import numpy as np

MIN_SIDE = 16
"""The shorter side from which a comparison means something: two eights of one writer are as close as copies are."""

MIN_SIMILARITY = 0.8
"""From here on two images are copies."""

_MIN_CORRELATION = 0.9
_PAIRS_PER_STEP = 100_000
_MOST_REFERENCES = 10_000


def halve(thumbnails: np.ndarray) -> np.ndarray:
    """Shrink hash thumbnails, uint8 (N, 32, 32), to what is compared here, uint8 (N, 16, 16)."""
    means = thumbnails.reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4), dtype=np.float32)
    halved: np.ndarray = means.round().astype(np.uint8)
    return halved


def similarity(
    thumbnails_a: np.ndarray, thumbnails_b: np.ndarray, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
    """Say how much the images of each pair agree beyond their layout, float32 (P,), -1 where they don't.

    The thumbnails are compared twice, each without its own brightness and contrast. As they are, copies agree by 0.9
    or more. After whitening, which divides by how much images of this dataset vary in each direction, what they
    all share (a shoe's outline on black) no longer counts, and copies still agree by 0.8. The second agreement is
    returned.

    Args:
        thumbnails_a: uint8 (N, 16, 16); also what stands for the dataset.
        thumbnails_b: uint8 (M, 16, 16).
        i: int (P,), indices into ``thumbnails_a``.
        j: int (P,), indices into ``thumbnails_b``.
    """
    agreement = np.empty(len(i), np.float32)
    if not len(i):
        return agreement
    # Every step-th image stands for the dataset: the covariance of ten thousand is as good as that of all.
    step = max(1, len(thumbnails_a) // _MOST_REFERENCES)
    centre, projection = _whitening(_unit_vectors(thumbnails_a[::step]))
    involved_a, i = np.unique(i, return_inverse=True)
    involved_b, j = np.unique(j, return_inverse=True)
    a, b = _unit_vectors(thumbnails_a[involved_a]), _unit_vectors(thumbnails_b[involved_b])
    white_a, white_b = (_unit((vectors - centre) @ projection) for vectors in (a, b))
    for start in range(0, len(i), _PAIRS_PER_STEP):
        part = slice(start, start + _PAIRS_PER_STEP)
        plain = np.einsum("pd,pd->p", a[i[part]], b[j[part]])
        white = np.einsum("pd,pd->p", white_a[i[part]], white_b[j[part]])
        agreement[part] = np.where(plain >= _MIN_CORRELATION, white, -1)
    return agreement


def _unit_vectors(thumbnails: np.ndarray) -> np.ndarray:
    """Thumbnails without brightness and contrast: float32 (n, 256), each of mean 0 and length 1."""
    vectors = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    return _unit(vectors - vectors.mean(axis=1, keepdims=True))


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-6)
    return unit


def _whitening(reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the whitening projection of unit vectors, shrunk towards a ball where they are few.

    With fewer images than dimensions the covariance says more of these images than of the dataset, so its mean
    eigenvalue times dimensions / images is added (in the spirit of Ledoit and Wolf, 2004).
    """
    centre = reference.mean(axis=0)
    centred = reference - centre
    values, directions = np.linalg.eigh(centred.T @ centred / len(centred))
    shrinkage = values.mean() * reference.shape[1] / len(reference) + 1e-9
    return centre, directions / np.sqrt(np.maximum(values, 0) + shrinkage)
