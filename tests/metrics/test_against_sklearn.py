"""Every metric that scikit-learn has gives scikit-learn's number, on easy and on awkward splits."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn import metrics as sk

from imgclf import metrics
from imgclf.task import softmax


def _split(seed: int, images: int, classes: int, present: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that know something, and labels from the first ``present`` classes only."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, present, images)
    logits = generator.normal(size=(images, classes))
    logits[np.arange(images), labels] += 1.5
    probabilities = softmax(logits)
    if ties:
        probabilities = np.round(probabilities, 1) + 0.01
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities, labels


CASES = {
    "ordinary": (0, 400, 6, 6, False),
    "ties": (1, 300, 4, 4, True),
    "classes absent": (2, 60, 9, 4, False),
    "two classes": (3, 50, 2, 2, False),
    "one class in the labels": (4, 30, 3, 1, False),
    "a thousand classes": (5, 500, 1000, 1000, False),
    "one image": (6, 1, 5, 5, False),
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def split(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, K) and labels (N,)."""
    return _split(*request.param)


@pytest.fixture(autouse=True)
def _quiet_sklearn() -> Iterator[None]:
    """Silence scikit-learn's warnings about the very cases that are tested here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _matrix(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return metrics.confusion_matrix(labels, probabilities.argmax(axis=1), probabilities.shape[1])


def test_counts_and_shares(split: tuple[np.ndarray, np.ndarray]) -> None:
    """Confusion matrix, accuracy, balanced accuracy and kappa agree."""
    probabilities, labels = split
    predictions, classes = probabilities.argmax(axis=1), range(probabilities.shape[1])
    matrix = _matrix(probabilities, labels)
    assert np.array_equal(matrix, sk.confusion_matrix(labels, predictions, labels=classes))
    assert metrics.accuracy(matrix) == pytest.approx(sk.accuracy_score(labels, predictions))
    assert metrics.balanced_accuracy(matrix) == pytest.approx(sk.balanced_accuracy_score(labels, predictions))
    assert metrics.cohen_kappa(matrix) == pytest.approx(
        sk.cohen_kappa_score(labels, predictions), nan_ok=True
    )


@pytest.mark.parametrize("k", [1, 2, 5, 5000])
def test_top_k(split: tuple[np.ndarray, np.ndarray], k: int) -> None:
    """Top-k agrees, with ties, and a k beyond the classes counts every image."""
    probabilities, labels = split
    if probabilities.shape[1] == 2:
        expected = 1.0 if k >= 2 else sk.top_k_accuracy_score(labels, probabilities[:, 1], k=k)
    else:
        expected = sk.top_k_accuracy_score(labels, probabilities, k=k, labels=range(probabilities.shape[1]))
    assert metrics.top_k_accuracy(probabilities, labels, k) == pytest.approx(expected)


def test_class_scores_and_averages(split: tuple[np.ndarray, np.ndarray]) -> None:
    """Precision, recall and F1 agree by class and averaged, classes absent included."""
    probabilities, labels = split
    predictions, classes = probabilities.argmax(axis=1), range(probabilities.shape[1])
    scores = metrics.class_scores(_matrix(probabilities, labels))
    expected = sk.precision_recall_fscore_support(labels, predictions, labels=classes, zero_division=0)
    for ours, theirs in zip(
        (scores.precision, scores.recall, scores.f1, scores.support), expected, strict=True
    ):
        assert np.allclose(ours, theirs)
    for average, ours in (("macro", scores.macro()), ("weighted", scores.weighted())):
        theirs = sk.precision_recall_fscore_support(labels, predictions, average=average, zero_division=0)
        assert ours == pytest.approx(theirs[:3])


def test_report_reads_as_scikit_learn_prints_it(split: tuple[np.ndarray, np.ndarray]) -> None:
    """The text report is the same to the character."""
    probabilities, labels = split
    predictions = probabilities.argmax(axis=1)
    names = [f"a rather long class name {index}" for index in range(probabilities.shape[1])]
    present = sorted(set(labels) | set(predictions))
    expected = sk.classification_report(
        labels, predictions, labels=present, target_names=[names[i] for i in present], zero_division=0
    )
    if not (predictions == labels).any():
        pytest.skip("where nothing is right, scikit-learn 1.9 prints the counts as 1.0")
    assert metrics.report_text(_matrix(probabilities, labels), names) == expected


def test_log_loss_and_brier(split: tuple[np.ndarray, np.ndarray]) -> None:
    """The proper scores agree."""
    probabilities, labels = split
    classes = range(probabilities.shape[1])
    assert metrics.log_loss(probabilities, labels) == pytest.approx(
        sk.log_loss(labels, probabilities, labels=classes)
    )
    assert metrics.brier_score(probabilities, labels) == pytest.approx(
        sk.brier_score_loss(labels, probabilities, labels=classes, scale_by_half=False)
    )


def test_auroc_and_average_precision(split: tuple[np.ndarray, np.ndarray]) -> None:
    """Ranking scores agree where they are defined, and are NaN where they are not."""
    probabilities, labels = split
    areas, precisions = metrics.per_class(probabilities, labels)
    for index in range(min(probabilities.shape[1], 20)):
        positive = labels == index
        if positive.all() or not positive.any():
            assert np.isnan(areas[index])
        else:
            assert areas[index] == pytest.approx(sk.roc_auc_score(positive, probabilities[:, index]))
        if positive.any():
            expected = sk.average_precision_score(positive, probabilities[:, index])
            assert precisions[index] == pytest.approx(expected)
        else:
            assert np.isnan(precisions[index])


def test_curves_agree() -> None:
    """The ROC curve passes through scikit-learn's points."""
    probabilities, labels = _split(*CASES["ties"])
    false_rate, true_rate = metrics.roc_curve(probabilities[:, 0], labels == 0)
    expected = sk.roc_curve(labels == 0, probabilities[:, 0], drop_intermediate=False)
    assert np.allclose(false_rate, expected[0])
    assert np.allclose(true_rate, expected[1])
    precision, recall = metrics.precision_recall_curve(probabilities[:, 0], labels == 0)
    expected = sk.precision_recall_curve(labels == 0, probabilities[:, 0])
    assert np.allclose(precision[::-1], expected[0][:-1])
    assert np.allclose(recall[::-1], expected[1][:-1])


def test_calibration_bins_agree_with_the_calibration_curve() -> None:
    """Accuracy and mean confidence by bin are scikit-learn's calibration curve."""
    from sklearn.calibration import calibration_curve

    probabilities, labels = _split(*CASES["ordinary"])
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = [one for one in metrics.calibration_bins(confidence, correct) if one.count]
    shares, means = calibration_curve(correct, confidence, n_bins=15)
    assert [one.accuracy for one in bins] == pytest.approx(list(shares))
    assert [one.confidence for one in bins] == pytest.approx(list(means))
    expected = sum(one.count * abs(a - c) for one, a, c in zip(bins, shares, means, strict=True)) / len(
        labels
    )
    assert metrics.expected_calibration_error(bins) == pytest.approx(expected)
