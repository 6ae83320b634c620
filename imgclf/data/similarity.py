"""Whether two images with close perceptual hashes are copies, or only laid out alike.

A hash of 64 bits knows only the layout: of one dataset, 177,000 pairs of different shoes and shirts may lie within
four bits of each other. So the thumbnails are compared as well, without what all images of the dataset share.
"""

import numpy as np

MIN_SIDE = 16
"""The shorter side from which a comparison means something: two eights of one writer are as close as copies are."""

_MIN_CORRELATION = 0.9
_MIN_WHITENED = 0.8
_PAIRS_PER_STEP = 100_000
_MOST_REFERENCES = 10_000


def are_copies(
    thumbnails_a: np.ndarray, thumbnails_b: np.ndarray, i: np.ndarray, j: np.ndarray
) -> np.ndarray:
    """Tell which pairs of images show the same picture, bool (P,).

    As they are, without brightness and contrast, copies' thumbnails correlate by 0.9 or more. After whitening by the
    covariance of ``thumbnails_a``, which takes out what the images of this dataset share (a shoe's outline on black),
    they still correlate by 0.8.

    Args:
        thumbnails_a: uint8 (N, 32, 32), from :func:`imgclf.data.hashing.hash_thumbnail`; also the reference.
        thumbnails_b: uint8 (M, 32, 32).
        i: int (P,), indices into ``thumbnails_a``.
        j: int (P,), indices into ``thumbnails_b``.
    """
    result = np.zeros(len(i), dtype=bool)
    if not len(i):
        return result
    step = max(1, len(thumbnails_a) // _MOST_REFERENCES)
    centre, projection = _whitening(_unit_vectors(thumbnails_a[::step]))
    for start in range(0, len(i), _PAIRS_PER_STEP):
        part = slice(start, start + _PAIRS_PER_STEP)
        a, b = _unit_vectors(thumbnails_a[i[part]]), _unit_vectors(thumbnails_b[j[part]])
        alike = np.flatnonzero((a * b).sum(axis=1) >= _MIN_CORRELATION)
        white_a, white_b = (_unit((vectors[alike] - centre) @ projection) for vectors in (a, b))
        result[start + alike] = (white_a * white_b).sum(axis=1) >= _MIN_WHITENED
    return result


def _unit_vectors(thumbnails: np.ndarray) -> np.ndarray:
    """Thumbnails at 16 x 16 without brightness and contrast: float32 (n, 256), each of mean 0 and length 1."""
    quarters = thumbnails.reshape(len(thumbnails), 16, 2, 16, 2).mean(axis=(2, 4), dtype=np.float32)
    vectors = quarters.reshape(len(thumbnails), -1)
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
