"""Every road from one image to its probabilities agrees."""

from pathlib import Path

import numpy as np
import pytest

import imgclf
from imgclf.data import Examples, LoadingOptions, eval_loader
from imgclf.doctor.roads import compare_roads
from imgclf.errors import ImageError
from imgclf.inference import Predictor
from imgclf.runs import Run
from imgclf.task import softmax


def test_evaluation_predict_and_api_agree_to_1e_5(shapes: Path, shapes_run: Run) -> None:
    """The loader of training-time evaluation, the predictor and the front door give the same probabilities."""
    images = sorted((shapes / "test").glob("*/*.png"))
    predictor = Predictor.open(shapes_run.path, device="cpu", runtime="torch")
    examples = Examples(images=images, labels=np.zeros(len(images), np.int64), files=[str(p) for p in images])
    loader = eval_loader(examples, predictor.header.preprocessing, LoadingOptions(8, "cpu"))
    classifier = predictor.backend.classifier
    logits = np.concatenate([classifier(batch.images).detach().numpy() for batch in loader.epoch(0)])
    expected = softmax(logits, predictor.header.temperature)
    predicted = [list(answer.probabilities.values()) for answer in predictor.predict_stream(images)]
    api = imgclf.load(str(shapes_run.path), device="cpu")
    called = [list(api.predict(str(path))[0].probabilities.values()) for path in images]
    np.testing.assert_allclose(predicted, expected, atol=1e-5, rtol=0)
    np.testing.assert_allclose(called, expected, atol=1e-5, rtol=0)


def test_roads_side_by_side(shapes: Path, shapes_run: Run) -> None:
    """The report names each road, its input's hash and its best classes, and finds no difference."""
    report = compare_roads(shapes_run.path, shapes / "test" / "circle" / "00.png")
    assert [road.name for road in report.roads] == ["training-time evaluation", "predict", "Python API"]
    assert report.first_difference is None
    assert len({road.pixels for road in report.roads}) == 1
    assert all(len(road.top) == 3 for road in report.roads)
    assert report.to_dict()["roads"][0]["same"] is True


def test_unreadable_image_is_an_error_of_its_own(shapes_run: Run, tmp_path: Path) -> None:
    """A broken file is no difference between roads."""
    with pytest.raises(ImageError, match="does not exist"):
        compare_roads(shapes_run.path, tmp_path / "none.png")
