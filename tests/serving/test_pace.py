"""What is measured before the first request."""

import numpy as np
import pytest

from imgclf.inference import Predictor
from imgclf.runs import Run
from imgclf.serving.model.pace import Pace, gives_same_predictions, is_worth_rounding, pace_of
from tests.serving.conftest import Start


class ShiftedBackend:
    """The real backend, with something added to its logits."""

    name, device = "torch", "cpu"

    def __init__(self, real: object, added: float) -> None:
        self._real = real
        self._added = added

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Add to the first class."""
        shifted: np.ndarray = self._real.logits(batch)  # type: ignore[attr-defined]
        shifted[:, 0] += self._added
        return shifted

    def limit_threads(self, count: int | None) -> None:
        """Pass on."""
        self._real.limit_threads(count)  # type: ignore[attr-defined]


def test_the_batch_is_measured(shapes_run: Run) -> None:
    """One of the sizes that are tried on a CPU, or the one that was asked for."""
    predictor = Predictor.open(shapes_run.path, device="cpu")
    assert pace_of(predictor, threads=2).batch in (1, 2, 4, 8)
    assert pace_of(predictor, threads=1, batch=3).batch == 3


@pytest.mark.parametrize(("added", "same"), [(0.0, True), (1e-3, True), (0.5, False), (float("nan"), False)])
def test_answers_that_differ_are_noticed(shapes_run: Run, added: float, same: bool) -> None:
    """A little is nothing; a lot, and what is no number, is too much."""
    full = Predictor.open(shapes_run.path, device="cpu")
    other = Predictor(full.file, full.header, ShiftedBackend(full.backend, added))  # type: ignore[arg-type]
    assert gives_same_predictions(full, other) is same


def test_bf16_must_be_clearly_faster() -> None:
    """Five per cent are not worth a rounded answer, twenty are."""
    assert not is_worth_rounding(Pace(4, 1.0), Pace(4, 0.95))
    assert is_worth_rounding(Pace(4, 1.0), Pace(8, 0.8))


def test_bf16_answers_like_fp32_and_is_told(start: Start, circle: bytes) -> None:
    """Where it is insisted on, predictions are rounded, embeddings are not, and /model says so."""
    with start(precision="fp32") as server, server.client() as client:
        full = client.post("/predict", files={"file": circle}).json()
        features = client.post("/embed", files={"file": circle}).json()["embedding"]
        assert client.get("/model").json()["precision"] == "fp32"
    with start(precision="bf16") as server, server.client() as client:
        rounded = client.post("/predict", files={"file": circle}).json()
        assert client.get("/model").json()["precision"] == "bf16"
        assert rounded["probabilities"] == pytest.approx(full["probabilities"], abs=0.05)
        assert rounded["probabilities"] != full["probabilities"]
        assert client.post("/embed", files={"file": circle}).json()["embedding"] == features
    with start(precision="auto") as server, server.client() as client:
        assert client.get("/model").json()["precision"] in ("fp32", "bf16")
        chosen = client.post("/predict", files={"file": circle}).json()
        assert chosen["probabilities"] == pytest.approx(full["probabilities"], abs=0.03)
