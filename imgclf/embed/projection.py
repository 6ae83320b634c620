"""Projections: embeddings in two or three dimensions, to look at.

PCA by scikit-learn, t-SNE by openTSNE (van der Maaten & Hinton 2008; Poličar et al. 2024) on the first 50 principal
components, UMAP by umap-learn (McInnes et al. 2018). All are seeded.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
from sklearn.decomposition import PCA

from imgclf.errors import UsageError
from imgclf.records import OnProgress, Progress

Method: TypeAlias = Literal["tsne", "umap", "pca"]
METHOD_NAMES: dict[Method, str] = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PCA"}
# Beyond this the remaining directions are mostly noise, and neighbour search gets slow.
_PCA_DIMENSIONS = 50
# openTSNE's own defaults: 250 iterations of early exaggeration, 500 of the embedding proper.
_TSNE_PHASES = (("t-SNE, early exaggeration", 250), ("t-SNE", 500))
_FEWEST_POINTS = 5
_ROUNDING = 1e-5  # of the largest feature: what two copies of an image may differ by
_SEVERAL, _MANY = 1_000, 10_000  # from which more threads pay, and from which the grid of FIt-SNE does


def project(
    embeddings: np.ndarray,
    method: Method = "tsne",
    *,
    dimensions: int = 2,
    perplexity: float = 30.0,
    neighbors: int = 15,
    seed: int = 0,
    progress: OnProgress = None,
) -> np.ndarray:
    """Return float32 (N, dimensions), centred on the origin.

    Args:
        embeddings: float (N, D).
        method: ``tsne``, ``umap`` or ``pca``.
        dimensions: 2 or 3.
        perplexity: of t-SNE; clamped to a third of the other points, the most that it can use.
        neighbors: of UMAP; clamped to the number of other points.
        seed: of everything random.
        progress: told phase and iteration.

    Raises:
        UsageError: there are too few points, or all are the same.
    """
    count = len(embeddings)
    check_count(count)
    _check_different(embeddings)
    reduced = reduce_dimensions(embeddings, seed)
    reduced = np.pad(reduced, ((0, 0), (0, max(0, dimensions - reduced.shape[1]))))  # no fewer than axes
    if method == "pca":
        points = PCA(n_components=min(dimensions, count), random_state=seed).fit_transform(reduced)
    elif method == "tsne":
        points = _tsne(reduced, dimensions, min(perplexity, (count - 1) / 3), seed, progress)
    else:
        points = _umap(reduced, dimensions, min(neighbors, count - 1), seed, progress)
    centred: np.ndarray = (points - points.mean(axis=0)).astype(np.float32)
    return centred


def check_count(count: int) -> None:
    """Refuse too few images before any work is done.

    Raises:
        UsageError: there are too few points.
    """
    if count < _FEWEST_POINTS:
        raise UsageError(
            f"A projection of {count} images shows nothing; at least {_FEWEST_POINTS} are needed."
        )


def _check_different(embeddings: np.ndarray) -> None:
    """Refuse features that are all the same but for rounding: t-SNE ends in an error, and a map shows nothing.

    Raises:
        UsageError: there are no two different points.
    """
    if float(np.ptp(embeddings, axis=0).max()) <= _ROUNDING * float(np.abs(embeddings).max()):
        raise UsageError(
            f"The {len(embeddings)} images all have the same features, and a map of them shows nothing. imgclf eda finds "
            f"images that are copies of one another."
        )


def reduce_dimensions(embeddings: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return the first 50 principal components, float32 (N, min(50, N, D)), or what there is if it is less."""
    if embeddings.shape[1] <= _PCA_DIMENSIONS:
        return np.ascontiguousarray(embeddings, dtype=np.float32)
    pca = PCA(n_components=min(_PCA_DIMENSIONS, *embeddings.shape), random_state=seed)
    return np.ascontiguousarray(pca.fit_transform(embeddings.astype(np.float32)))


def _tsne(
    points: np.ndarray, dimensions: int, perplexity: float, seed: int, progress: OnProgress
) -> np.ndarray:
    from openTSNE import TSNEEmbedding  # noqa: PLC0415 - only this method pays for it
    from openTSNE.affinity import PerplexityBasedNN  # noqa: PLC0415
    from openTSNE.initialization import pca as pca_start  # noqa: PLC0415

    threads = -1 if len(points) >= _SEVERAL else 1
    _tell(progress, "Finding neighbours", 0, 1)
    affinities = PerplexityBasedNN(points, perplexity=perplexity, random_state=seed, n_jobs=threads)
    start = pca_start(points, n_components=dimensions, random_state=seed)
    embedding = TSNEEmbedding(
        start,
        affinities,
        # Interpolation on a grid (FIt-SNE) wins with many points; its grid costs few points a minute, and it has
        # no third dimension.
        negative_gradient_method="fft" if dimensions < 3 and len(points) >= _MANY else "bh",
        n_jobs=threads,
        random_state=seed,
    )
    _tell(progress, "Finding neighbours", 1, 1)
    for (phase, iterations), settings in zip(
        _TSNE_PHASES,
        ({"exaggeration": 12, "momentum": 0.5}, {"exaggeration": 1, "momentum": 0.8}),
        strict=True,
    ):
        embedding.optimize(
            n_iter=iterations,
            inplace=True,
            callbacks=_reporter(progress, phase, iterations),
            callbacks_every_iters=25,
            **settings,
        )
        _tell(progress, phase, iterations, iterations)
    return np.asarray(embedding)


def _umap(points: np.ndarray, dimensions: int, neighbors: int, seed: int, progress: OnProgress) -> np.ndarray:
    import warnings  # noqa: PLC0415

    with warnings.catch_warnings():
        # A fixed seed makes UMAP single-threaded, which it announces each time.
        warnings.simplefilter("ignore")
        from umap import UMAP  # noqa: PLC0415 - compiles for seconds on import

        _tell(progress, "UMAP", 0, None)
        model = UMAP(n_components=dimensions, n_neighbors=max(2, neighbors), random_state=seed)
        result: np.ndarray = model.fit_transform(points)
    _tell(progress, "UMAP", 1, 1)
    return result


def _reporter(progress: OnProgress, phase: str, total: int) -> Callable[[int, float, Any], bool]:
    """Return openTSNE's callback; a true result would stop it."""

    def report(iteration: int, error: float, embedding: Any) -> bool:
        _tell(progress, phase, min(iteration, total - 1), total, f"KL divergence {error:.3f}")
        return False

    return report


def _tell(progress: OnProgress, phase: str, done: int, total: int | None, detail: str = "") -> None:
    if progress is not None:
        progress(Progress(phase, done, total, detail))
