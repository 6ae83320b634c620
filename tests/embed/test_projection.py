"""Projections keep neighbours together, repeat with a seed, and take as few points as there are."""

import re

import numpy as np
import pytest

from imgclf.embed.geometry import measure_geometry
from imgclf.embed.projection import Method, project, reduce_dimensions
from imgclf.errors import UsageError
from imgclf.records import Progress


def clouds(count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds in sixty dimensions."""
    generator = np.random.default_rng(0)
    points = np.concatenate([generator.normal(centre, 1.0, (count, 60)) for centre in 8 * np.eye(3, 60)])
    return points.astype(np.float32), np.repeat(np.arange(3), count)


@pytest.mark.parametrize("method", ["tsne", "pca"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_keeps_clouds_apart(method: Method, dimensions: int) -> None:
    """Neighbours in the projection share the label."""
    points, labels = clouds()
    projected = project(points, method, dimensions=dimensions)
    assert projected.shape == (60, dimensions)
    assert projected.mean(axis=0) == pytest.approx(np.zeros(dimensions), abs=1e-4)
    assert measure_geometry(projected, labels, 3).knn_accuracy > 0.95


@pytest.mark.slow
def test_umap_keeps_clouds_apart() -> None:
    """UMAP too; its first call compiles for seconds."""
    points, labels = clouds()
    assert measure_geometry(project(points, "umap"), labels, 3).knn_accuracy > 0.95


def test_the_same_seed_gives_the_same_points() -> None:
    """t-SNE repeats."""
    points, _ = clouds()
    np.testing.assert_array_equal(project(points, "tsne", seed=3), project(points, "tsne", seed=3))


def test_perplexity_is_clamped_to_few_points_and_progress_is_told() -> None:
    """Seven points with perplexity 30 work; phase and iteration are reported."""
    told: list[Progress] = []
    project(clouds()[0][:7], "tsne", perplexity=30, progress=told.append)
    assert {progress.phase for progress in told} >= {"Finding neighbours", "t-SNE"}
    assert told[-1].done == told[-1].total


def test_too_few_points_are_refused() -> None:
    """Four images make no map."""
    with pytest.raises(UsageError, match="A projection of 4 images shows nothing; at least 5 are needed"):
        project(clouds()[0][:4], "pca")


@pytest.mark.parametrize("method", ["tsne", "pca", "umap"])
@pytest.mark.parametrize("count", [5, 60])
def test_equal_images_are_told(method: Method, count: int) -> None:
    """Copies of one image make no map: a sentence instead of a library's error."""
    points = np.repeat(clouds()[0][:1], count, axis=0)
    points += 1e-7 * np.random.default_rng(0).normal(size=points.shape)
    sentence = (
        f"The {count} images all have the same features, and a map of them shows nothing. imgclf eda finds images that are "
        f"copies of one another."
    )
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        project(points, method)


@pytest.mark.parametrize("method", ["tsne", "pca"])
@pytest.mark.parametrize(("different", "count"), [(2, 5), (2, 60), (3, 6)])
def test_copies_of_few_images_make_a_map(method: Method, different: int, count: int) -> None:
    """Two different images among many copies are two places."""
    projected = project(clouds()[0][np.arange(count) % different], method)
    assert projected.shape == (count, 2)
    assert np.isfinite(projected).all()
    assert np.ptp(projected, axis=0).max() > 0


@pytest.mark.parametrize("method", ["tsne", "pca"])
@pytest.mark.parametrize(("count", "features"), [(5, 60), (5, 2), (9, 1)])
def test_few_points_and_few_features_make_a_map(method: Method, count: int, features: int) -> None:
    """Fewer points than dimensions, and fewer features than the map has axes."""
    projected = project(clouds()[0][:count, :features], method)
    assert projected.shape == (count, 2)
    assert np.isfinite(projected).all()


def test_reduction_keeps_what_is_small_already() -> None:
    """Fifty components of many, all of few."""
    assert reduce_dimensions(clouds()[0]).shape == (60, 50)
    few = np.arange(12, dtype=np.float64).reshape(4, 3)
    np.testing.assert_array_equal(reduce_dimensions(few), few)
