"""How classes lie in feature space, in figures: what the picture suggests, measured where it is true.

Everything is measured in the embeddings themselves, except how faithful a projection is to them.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_samples
from sklearn.neighbors import NearestNeighbors

VOTERS = 10  # neighbours that vote on an image's label
_COMPARED = 15  # neighbours that a projection should keep
_UNITED = 0.9  # share of the neighbours with one other label that makes a label doubtful
# Trustworthiness and silhouette compare all pairs: a sample keeps 10,000 images at seconds.
_PAIRS_SAMPLE = 3_000


@dataclass(frozen=True, eq=False)
class Geometry:
    """Measures of embeddings with labels.

    Attributes:
        voters: k, the neighbours that vote on an image's label; fewer than 10 where classes are small.
        knn_accuracy: share of images whose k nearest others vote for their label, in [0, 1]; NaN where no class has
            two images.
        silhouette: mean silhouette (Rousseeuw 1987), in [-1, 1]; NaN with a single class.
        class_knn_accuracy: float (K,), the same per class; NaN for a class of fewer than two images.
        class_silhouette: float (K,), the mean per class; NaN for a class without images.
        overlaps: (class, class, share) where ``share`` of the first one's neighbours are of the second, largest first.
        outliers: indices of the images farthest from their own neighbours for their class, worst first.
        suspects: indices of images whose neighbours nearly all have one other label: likely label errors, surest first.
        neighbors: int (N, 15 or all others), the nearest other images of each, nearest first.
    """

    voters: int
    knn_accuracy: float
    silhouette: float
    class_knn_accuracy: np.ndarray
    class_silhouette: np.ndarray
    overlaps: tuple[tuple[int, int, float], ...]
    outliers: np.ndarray
    suspects: np.ndarray
    neighbors: np.ndarray


@dataclass(frozen=True)
class Fidelity:
    """How faithful a projection is.

    Attributes:
        trustworthiness: of 15 neighbours (Venna & Kaski 2001), in [0, 1]; on a sample where there are many images.
        neighbors_kept: share of the 15 nearest neighbours that are still among the 15 nearest, in [0, 1].
        knn_accuracy: share of images whose neighbours in the projection vote for their label, in [0, 1]; NaN where no
            class has two images.
    """

    trustworthiness: float
    neighbors_kept: float
    knn_accuracy: float


def measure_geometry(
    embeddings: np.ndarray, labels: np.ndarray, num_classes: int, k: int = VOTERS
) -> Geometry:
    """Measure embeddings (N, D) with labels (N,) of K classes; at most ``k`` neighbours vote."""
    k = _voters(labels, k)
    distances, neighbors = nearest(embeddings, min(max(k, _COMPARED), len(embeddings) - 1))
    votes = _votes(neighbors[:, :k], labels, num_classes)
    right = _voted_right(votes, labels)
    own_votes = votes[np.arange(len(labels)), labels]
    silhouettes, sample = _silhouettes(embeddings, labels)
    return Geometry(
        voters=k,
        knn_accuracy=_mean(right),
        silhouette=float(silhouettes.mean()),
        class_knn_accuracy=_mean_per_class(right, labels, num_classes),
        class_silhouette=_mean_per_class(silhouettes, labels[sample], num_classes),
        overlaps=_overlaps(votes, labels, num_classes, k),
        outliers=_outliers(distances[:, :k].mean(axis=1), labels),
        suspects=_suspects(votes, own_votes, k),
        neighbors=neighbors,
    )


def measure_fidelity(
    embeddings: np.ndarray, points: np.ndarray, labels: np.ndarray, neighbors: np.ndarray, seed: int = 0
) -> Fidelity:
    """Compare embeddings (N, D) with their projection (N, 2 or 3).

    Args:
        embeddings: float (N, D).
        points: float (N, 2 or 3).
        labels: int (N,).
        neighbors: int (N, k), the nearest other images in ``embeddings``, as :class:`Geometry` has them.
        seed: of the sample that trustworthiness is measured on.
    """
    k = neighbors.shape[1]
    chosen = _sample(len(points), seed)
    # Trustworthiness is defined for k below half of the points.
    trust = trustworthiness(
        embeddings[chosen], points[chosen], n_neighbors=max(1, min(k, (len(chosen) - 1) // 2))
    )
    _, after = nearest(points, k)
    kept = (neighbors[:, :, None] == after[:, None, :]).any(axis=2).mean()
    votes = _votes(after[:, : _voters(labels)], labels, int(labels.max()) + 1)
    return Fidelity(float(trust), float(kept), _mean(_voted_right(votes, labels)))


def nearest(points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and indices, both (N, k), of the k nearest other points of each point."""
    distances, indices = NearestNeighbors(n_neighbors=k + 1, n_jobs=-1).fit(points).kneighbors(points)
    # A point is its own nearest neighbour, but among exact duplicates not always the first one.
    own = indices == np.arange(len(points))[:, None]
    own[~own.any(axis=1), -1] = True
    return distances[~own].reshape(len(points), k), indices[~own].reshape(len(points), k)


def _voters(labels: np.ndarray, most: int = VOTERS) -> int:
    """Return how many neighbours may vote: no more than the others of a class of middling size.

    Among more, an image's own class, which lacks the image itself, would be outvoted whatever the features are: of six
    images in two classes, five others vote two to three against each.
    """
    counts = np.sort(np.bincount(labels))
    counts = counts[counts > 0]
    return max(1, min(most, int(counts[(len(counts) - 1) // 2]) - 1))


def _voted_right(votes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return float (N,): 1 where the neighbours vote for the label, else 0; NaN for the only image of a class."""
    right: np.ndarray = (votes.argmax(axis=1) == labels).astype(float)
    right[np.bincount(labels)[labels] < 2] = np.nan
    return right


def _mean(values: np.ndarray) -> float:
    """Return the mean of what is defined, NaN where nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _votes(neighbors: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return int (N, K): how many of each image's neighbours have each label."""
    count = len(neighbors)
    cells = np.arange(count)[:, None] * num_classes + labels[neighbors]
    return np.bincount(cells.ravel(), minlength=count * num_classes).reshape(count, num_classes)


def _silhouettes(embeddings: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the silhouettes of a sample and the sample's indices; NaN where silhouettes are not defined."""
    sample = _sample(len(labels), seed=0)
    classes = len(np.unique(labels[sample]))
    if not 2 <= classes < len(sample):
        return np.full(len(sample), np.nan), sample
    return silhouette_samples(embeddings[sample], labels[sample]), sample


def _mean_per_class(values: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    defined = ~np.isnan(values)
    values, labels = values[defined], labels[defined]
    counts = np.bincount(labels, minlength=num_classes)
    sums = np.bincount(labels, weights=values, minlength=num_classes)
    means = np.full(num_classes, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _overlaps(
    votes: np.ndarray, labels: np.ndarray, num_classes: int, k: int
) -> tuple[tuple[int, int, float], ...]:
    pairs = []
    for label in np.unique(labels):
        shares = votes[labels == label].sum(axis=0) / (k * int((labels == label).sum()))
        pairs += [(int(label), other, float(shares[other])) for other in range(num_classes) if other != label]
    return tuple(sorted((pair for pair in pairs if pair[2] > 0), key=lambda pair: -pair[2])[:10])


def _outliers(mean_distances: np.ndarray, labels: np.ndarray, count: int = 12) -> np.ndarray:
    """Rank by how many times the class's median distance an image is away from its neighbours."""
    relative = np.empty(len(labels))
    for label in np.unique(labels):
        members = labels == label
        relative[members] = mean_distances[members] / max(np.median(mean_distances[members]), 1e-12)
    return np.argsort(-relative)[:count]


def _suspects(votes: np.ndarray, own_votes: np.ndarray, k: int) -> np.ndarray:
    """Rank the images with no neighbour of their own label and nearly all of one other, surest first."""
    most = votes.max(axis=1)
    doubted = np.flatnonzero((own_votes == 0) & (most >= _UNITED * k))
    return doubted[np.argsort(-most[doubted], kind="stable")]


def _sample(count: int, seed: int) -> np.ndarray:
    if count <= _PAIRS_SAMPLE:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, _PAIRS_SAMPLE, replace=False))
