"""Small networks of each family, with random weights, and a run to explain."""

import pytest

from imgclf.explain import Explainer
from imgclf.inference import Predictor
from imgclf.runs import Run


@pytest.fixture(scope="session")
def explainer(shapes_run: Run) -> Explainer:
    """The shapes run, ready to explain."""
    return Explainer(Predictor.open(shapes_run.path, device="cpu"))
