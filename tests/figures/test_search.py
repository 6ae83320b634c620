"""The pictures of a search are drawn for many trials, few, and odd ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.figures import SearchPoint, search_history, search_parameters


def _points(trials: int, metric: str) -> list[SearchPoint]:
    generator = np.random.default_rng(0)
    points = [SearchPoint(0, "finished", 0.5)]
    for number in range(1, trials):
        params = {
            "optimizer.lr": float(10 ** generator.uniform(-4, -1)),
            "model.name": ["a", "b"][number % 2],
            "n": [8, 64][number % 2],
        }
        state = ("finished", "pruned", "failed")[number % 3]
        value = None if state == "failed" else float(generator.uniform(0.4, 0.9))
        points.append(SearchPoint(number, state, value, params))
    return points


@pytest.mark.parametrize("metric", ["val_accuracy", "val_loss"])
@pytest.mark.parametrize("trials", [1, 4, 60])
def test_history_and_parameters(tmp_path: Path, trials: int, metric: str) -> None:
    """Finished, pruned and failed trials; with and without importances; each kind of axis."""
    points = _points(trials, metric)
    importances = {"optimizer.lr": 0.8, "model.name": 0.15, "n": 0.05} if trials > 10 else {}
    history = search_history(points, importances, metric, tmp_path / "history.png")
    parameters = search_parameters(
        points,
        {"optimizer.lr": "log", "model.name": "choice", "n": "choice"},
        metric,
        tmp_path / "parameters.png",
    )
    for path in (history, parameters):
        with Image.open(path) as image:
            assert image.width == 1200
            assert len(image.convert("RGB").getcolors(1 << 22)) > 20
