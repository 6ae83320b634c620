"""Measures of embeddings: right on data whose answer is known, equal to scikit-learn's where it has them."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_samples, silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

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


def test_classes_are_measured_one_by_one() -> None:
    """Per class: scikit-learn's silhouettes, and the share of its images that their neighbours know."""
    points, labels = blobs()
    geometry = measure_geometry(points, labels, 4, k=5)
    samples = silhouette_samples(points, labels)
    expected = [samples[labels == label].mean() for label in range(3)]
    assert geometry.class_silhouette[:3] == pytest.approx(expected, abs=1e-6)
    guesses = cross_val_predict(KNeighborsClassifier(5), points, labels, cv=LeaveOneOut())
    known = [(guesses == labels)[labels == label].mean() for label in range(3)]
    assert geometry.class_knn_accuracy[:3] == pytest.approx(known, abs=0.04)
    assert np.isnan([geometry.class_silhouette[3], geometry.class_knn_accuracy[3]]).all()


def test_neighbours_are_scikit_learns() -> None:
    """The nearest others, nearest first."""
    points, labels = blobs()
    expected = NearestNeighbors(n_neighbors=15).fit(points).kneighbors(return_distance=False)
    np.testing.assert_array_equal(measure_geometry(points, labels, 3).neighbors, expected)


def test_fidelity_of_the_identity_and_of_noise() -> None:
    """A projection that changes nothing keeps everything; noise keeps almost nothing."""
    points, labels = blobs()
    neighbors = measure_geometry(points, labels, 3).neighbors
    same = measure_fidelity(points, points, labels, neighbors)
    assert (same.trustworthiness, same.neighbors_kept) == (1.0, 1.0)
    assert same.knn_accuracy == measure_geometry(points, labels, 3).knn_accuracy
    noise = np.random.default_rng(1).normal(size=(90, 2))
    other = measure_fidelity(points, noise, labels, neighbors)
    assert other.trustworthiness == pytest.approx(trustworthiness(points, noise, n_neighbors=15))
    kept = [len(set(a) & set(b)) / 15 for a, b in zip(neighbors, nearest(noise, 15)[1], strict=True)]
    assert other.neighbors_kept == pytest.approx(np.mean(kept))
    assert other.neighbors_kept < 0.4
    assert other.knn_accuracy < 0.6


def test_few_points_are_measured_too() -> None:
    """Five images have four neighbours each."""
    points, labels = blobs(2)
    geometry = measure_geometry(points[:5], labels[:5], 3)
    assert geometry.neighbors.shape == (5, 4)
    assert (
        0 <= measure_fidelity(points[:5], points[:5, :2], labels[:5], geometry.neighbors).trustworthiness <= 1
    )


@pytest.mark.parametrize("count", range(5, 10))
def test_few_images_of_clear_classes_are_told_apart(count: int) -> None:
    """In five to nine images, fewer neighbours vote than there are others of a class: all ten would outvote each."""
    points, labels = blobs(distance=100.0)
    chosen = np.r_[0 : count // 2, 30 : 30 + count - count // 2]
    geometry = measure_geometry(points[chosen], labels[chosen], 3)
    assert geometry.voters == count // 2 - 1
    assert geometry.knn_accuracy == 1.0
    assert not len(geometry.suspects)
    assert (
        measure_fidelity(points[chosen], points[chosen], labels[chosen], geometry.neighbors).knn_accuracy
        == 1.0
    )


def test_single_images_of_their_classes_are_not_judged() -> None:
    """A class of one image counts for nothing; where all are single, there is no accuracy."""
    points, labels = blobs(distance=100.0)
    labels[0] = 3
    geometry = measure_geometry(points, labels, 4)
    assert np.isnan(geometry.class_knn_accuracy[3])
    assert geometry.knn_accuracy == 1.0
    assert geometry.voters == 10
    alone = measure_geometry(points[:5], np.arange(5), 5)
    assert np.isnan(alone.knn_accuracy)
    assert alone.voters == 1
