"""Measures of embeddings: right on data whose answer is known, equal to scikit-learn's where it has them."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from imgclf.embed.geometry import measure_fidelity, measure_geometry, nearest


def blobs(count: int = 30, distance: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Three Gaussian clouds in eight dimensions."""
    generator = np.random.default_rng(0)
    centres = distance * np.eye(3, 8)
    points = np.concatenate([generator.normal(centre, 1.0, (count, 8)) for centre in centres])
    return points.astype(np.float32), np.repeat(np.arange(3), count)


def test_agrees_with_scikit_learn() -> None:
    """Leave-one-out neighbours and silhouettes are scikit-learn's."""
    points, labels = blobs()
    geometry = measure_geometry(points, labels, 3, k=5)
    expected = cross_val_score(KNeighborsClassifier(5), points, labels, cv=LeaveOneOut()).mean()
    assert geometry.knn_accuracy == pytest.approx(expected, abs=0.02)  # a tied vote may fall either way
    assert geometry.silhouette == pytest.approx(silhouette_score(points, labels), abs=1e-6)


def test_finds_the_image_with_the_wrong_label_and_the_one_far_away() -> None:
    """A point inside another cloud is a suspect; one far from every cloud is the first outlier."""
    points, labels = blobs(distance=20.0)
    labels[0] = 2
    points[40] += 200
    geometry = measure_geometry(points, labels, 3)
    assert 0 in geometry.suspects
    assert geometry.outliers[0] == 40


def test_overlaps_name_the_classes_that_mix() -> None:
    """Two clouds in one place are each other's neighbours; the third is alone."""
    points, labels = blobs(distance=50.0)
    points[labels == 1] += points[labels == 0].mean(axis=0) - points[labels == 1].mean(axis=0)
    first, second = measure_geometry(points, labels, 3).overlaps[:2]
    assert {first[:2], second[:2]} == {(0, 1), (1, 0)}
    assert all(2 not in pair[:2] for pair in measure_geometry(points, labels, 3).overlaps)


def test_a_point_is_not_its_own_neighbour_even_among_duplicates() -> None:
    """Exact copies are neighbours of each other, never of themselves."""
    points = np.repeat(np.arange(3.0)[:, None], 4, axis=0)
    _, indices = nearest(points, 3)
    assert not (indices == np.arange(12)[:, None]).any()
    assert (indices // 4 == np.arange(12)[:, None] // 4).all()


def test_one_class_has_no_silhouette() -> None:
    """What is not defined is NaN, not an error."""
    points, _ = blobs(5)
    geometry = measure_geometry(points, np.zeros(15, dtype=np.int64), 2)
    assert np.isnan(geometry.silhouette)
    assert geometry.knn_accuracy == 1.0


def test_fidelity_of_the_identity_and_of_noise() -> None:
    """A projection that changes nothing keeps everything; noise keeps almost nothing."""
    points, _ = blobs()
    same = measure_fidelity(points, points, k=5)
    assert (same.trustworthiness, same.neighbors_kept) == (1.0, 1.0)
    noise = np.random.default_rng(1).normal(size=(90, 2))
    other = measure_fidelity(points, noise, k=5)
    assert other.trustworthiness == pytest.approx(trustworthiness(points, noise, n_neighbors=5))
    assert other.neighbors_kept < 0.2
