"""The check knows a good map from a bad one; pixel methods; the worst errors."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, neighbors_weights
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve

from imgclf.errors import MissingExtraError, RunError
from imgclf.explain import METHODS, Explainer, Options, Saliency, explain, worst_errors
from imgclf.explain.check.checker import CENTRE, RANDOM, Checker, CheckRow, lead_table
from imgclf.explain.check.perturbing import deletion_and_insertion
from imgclf.explain.check.road import fill
from imgclf.explain.misclassified import worst_answers
from imgclf.inference import Predictor
from imgclf.runs import Run
from imgclf.runs.predictions import Answers, write_predictions


def brightness(stack: np.ndarray) -> np.ndarray:
    """Answer class 1 as surely as the upper left corner is bright."""
    sure = stack[:, :4, :4].mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - sure, sure], axis=1)


def test_the_right_order_has_low_deletion_and_high_insertion():
    """A map of the very pixels that count beats its opposite."""
    pixels = np.zeros((16, 16, 3), dtype=np.uint8)
    pixels[:4, :4] = 255
    right = pixels[..., 0].astype(np.float32)
    good, bad = deletion_and_insertion(brightness, pixels, 1, np.stack([right, -right])).tolist()
    assert good[0] < bad[0]
    assert good[1] > bad[1]
    assert all(0 <= value <= 1 for value in (*good, *bad))


def test_deletion_begins_with_the_image_and_ends_with_nothing():
    """With an answer that is the share of the pixels still there, every order has half of the area."""
    pixels = np.random.default_rng(1).choice(np.array([0, 255], np.uint8), (10, 10, 3))

    def there(stack: np.ndarray) -> np.ndarray:
        share = (stack == pixels).all(axis=3).mean(axis=(1, 2))
        return np.stack([1 - share, share], axis=1)

    orders = np.random.default_rng(0).random((3, 10, 10))
    np.testing.assert_allclose(deletion_and_insertion(there, pixels, 1, orders), 0.5)


def test_holes_are_filled_as_the_library_fills_them():
    """From coarse to fine, close to the direct solution of the paper's system of equations; the rest is untouched."""
    rows, columns = np.mgrid[0:40, 0:56] / 20
    image = np.stack([np.sin(rows), np.cos(columns), np.sin(rows * columns)]).astype(np.float32)
    kept = np.ones((40, 56), dtype=bool)
    kept[4:30, 20:56] = False
    system, right = NoisyLinearImputer.setup_sparse_system(kept.astype(np.float32), image, neighbors_weights)
    expected = image.copy()
    expected[:, ~kept] = spsolve(csc_matrix(system), right).reshape(right.shape).T
    found = fill(torch.from_numpy(image)[None], torch.from_numpy(kept)[None, None])[0].numpy()
    np.testing.assert_array_equal(found[:, kept], image[:, kept])
    assert np.abs(found - expected).mean() < 0.02
    assert np.abs(found - image)[:, ~kept].mean() > 0.2  # the hole was filled, not left


def test_of_many_images_a_few_are_drawn(explainer: Explainer):
    """All have the same chance; as many are scored as were asked for, and the time left is told."""
    pixels = np.full((32, 32, 3), 200, dtype=np.uint8)
    maps = [Saliency("good", "x", 1, "square", 1.0, pixels[..., 0].astype(np.float32))]
    checker, told = Checker(explainer, most=3), []
    for _ in range(20):
        checker.offer(pixels, 1, maps)
    rows = checker.score(told.append)
    assert {row.images for row in rows} == {3}
    assert [(one.phase, one.done, one.total) for one in told] == [("Checking maps", n, 3) for n in (1, 2, 3)]
    assert told[-1].detail == "about 0 s left"


def test_leads_by_method_and_layer():
    """Methods stand down, layers across, the best has a star; one layer alone needs no such table."""

    def row(method: str, layer: str, lead: float) -> CheckRow:
        return CheckRow(method, layer, 9, 0.1, 0.2, 0.3, lead, 0.1, "no better")

    rows = [row("gradcam", "a", 0.5), row("layercam", "b", -0.25), row("gradcam", "b", 0.125)]
    assert lead_table(rows) == (
        ("lead", "a", "b"),
        [("gradcam", "+0.500*", "+0.125"), ("layercam", "", "-0.250")],
    )
    assert lead_table(rows[:1]) is None
    assert lead_table([]) is None


def test_the_check_tells_good_from_bad(explainer: Explainer):
    """A map of the shape is better than chance, a map of all but the shape is not; ROAD agrees."""
    checker = Checker(explainer)
    generator = np.random.default_rng(0)
    for _ in range(24):
        pixels = np.full((32, 32, 3), 200, dtype=np.uint8)
        top, left = generator.choice([1, 17]), generator.choice([1, 17])
        pixels[top : top + 13, left : left + 13] = (60, 180, 80)
        shape = np.zeros((32, 32), dtype=np.float32)
        shape[top : top + 13, left : left + 13] = 1
        given = [
            Saliency("good", "x", 1, "square", 1.0, shape),
            Saliency("bad", "x", 1, "square", 1.0, 1 - shape),
        ]
        checker.add(pixels, 1, given)
    rows = {row.method: row for row in checker.rows()}
    assert next(iter(rows)) == "good"
    assert set(rows) == {"good", "bad", RANDOM, CENTRE}
    assert rows["good"].lead > 0 > rows["bad"].lead
    assert rows["good"].verdict == "better"
    assert rows["good"].sentence.endswith("its maps point at what the prediction rests on.")
    assert rows["bad"].verdict in ("no better", "worse")
    assert rows["good"].road > rows["bad"].road


def test_the_check_of_one_image_claims_nothing(explainer: Explainer, shapes: Path):
    """One image cannot show that a method is better; the page and the record say so."""
    report = explain(
        shapes / "test/circle/00.png", explainer.predictor, options=Options(check=True), out=Path("out")
    )
    assert [row.verdict for row in report.checks] == ["no better", "", ""]
    assert report.checks[0].sentence.endswith("do not read meaning into its maps, or check more images.")
    assert "Do the maps mean anything?" in report.page.read_text(encoding="utf-8")


def test_nothing_checked_has_no_rows(explainer: Explainer):
    """Without a readable image there is no table."""
    assert Checker(explainer).rows() == ()


@pytest.mark.parametrize("name", ["integrated-gradients", "shap"])
def test_pixel_methods(name: str, explainer: Explainer):
    """A map of the input's size, the same every time, and other random numbers stay as they were."""
    pytest.importorskip("captum")
    pixels = np.full((2, 32, 32, 3), 200, dtype=np.uint8)
    pixels[:, 10:20, 10:20] = (60, 180, 80)
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    first, second = (explainer.maps(pixels, [1, 1], METHODS.load(name), None) for _ in range(2))
    assert np.random.rand() == expected  # noqa: NPY002
    assert first.shape == (2, 32, 32)
    assert first.min() >= 0
    assert first.max() > 0
    np.testing.assert_array_equal(first, second)


def test_without_captum_the_extra_is_named(explainer: Explainer, monkeypatch: pytest.MonkeyPatch):
    """One sentence with the command that installs it."""
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(
        MissingExtraError,
        match=r"^The method 'shap' needs the extra 'captum'\. Install it with: pip install 'imgclf\[captum\]'$",
    ):
        explainer.maps(np.zeros((1, 32, 32, 3), dtype=np.uint8), [0], METHODS.load("shap"), None)


def answered(labels: list[int], probabilities: list[list[float]]) -> Answers:
    """Make answers for test images of the shapes."""
    names = ("circle", "square", "triangle")
    files = tuple(f"test/circle/{index:02d}.png" for index in range(len(labels)))
    return Answers(files, np.array(labels), np.array(probabilities), names, ("",) * len(labels))


def test_the_worst_errors_come_first(shapes_run_copy: Run, shapes: Path):
    """Wrong answers only, the surest first, with the true class; their pixels are the dataset's."""
    sure = [[0.2, 0.7, 0.1], [0.9, 0.1, 0.0], [0.05, 0.05, 0.9]]
    from imgclf.inference.images import choose_images

    predictor = Predictor.open(shapes_run_copy.path, device="cpu")
    files = tuple(choose_images(shapes_run_copy, predictor.header, None, "test").examples.files[:3])
    answers = answered([0, 0, 0], sure)
    answers = Answers(files, answers.labels, answers.probabilities, answers.class_names, answers.errors)
    write_predictions(shapes_run_copy.path / "predictions.csv", answers)
    subjects = worst_errors(predictor, 5)
    assert [subject.name for subject in subjects] == [files[2], files[0]]
    assert [subject.true_label for subject in subjects] == ["circle", "circle"]
    assert explain(subjects, predictor, out=Path("out")).unreadable == ()


def test_without_errors_there_is_nothing_to_explain(shapes_run_copy: Run):
    """Neither before an evaluation nor after a perfect one."""
    folder = shapes_run_copy.path
    (folder / "predictions.csv").unlink(missing_ok=True)
    with pytest.raises(
        RunError,
        match=r": has no predictions yet, so nobody knows its errors\. First: imgclf evaluate --run ",
    ):
        worst_answers(folder, 3)
    write_predictions(folder / "predictions.csv", answered([0], [[0.8, 0.1, 0.1]]))
    with pytest.raises(RunError, match=r": all 1 answers are right; there is no error to explain\.$"):
        worst_answers(folder, 3)
