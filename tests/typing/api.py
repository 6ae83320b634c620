"""The public API as a user writes it: type-checked by `nox -s types`, never run."""

from pathlib import Path

import imgclf


def label(run: str, files: list[Path]) -> list[str | None]:
    """Predict, and read what a prediction has."""
    classifier: imgclf.Predictor = imgclf.load(run, device="cpu")
    predictions: list[imgclf.Prediction] = classifier.predict(files)
    confidences: list[float | None] = [prediction.confidence for prediction in predictions]
    assert len(confidences) == len(files)
    return [prediction.label for prediction in predictions]


def fail(error: imgclf.ImgclfError) -> int:
    """Read an error's exit code."""
    return error.exit_code


VERSION: str = imgclf.__version__
