"""What a row of predictions holds: the same columns in CSV and Parquet, the same values in JSON Lines."""

from dataclasses import dataclass
from typing import Any

from imgclf.records import Prediction

_DIGITS = 7  # what float32 can hold


@dataclass(frozen=True)
class Layout:
    """Which columns a file of predictions has.

    Attributes:
        class_names: in index order.
        top_k: how many of the best classes a row lists, at most as many as there are classes.
        with_probabilities: whether every class's probability is written too.
        model: fingerprint of the model file, so that no file mixes the answers of two models unseen; empty
            where nothing is kept.
    """

    class_names: tuple[str, ...]
    top_k: int
    with_probabilities: bool
    model: str

    @property
    def columns(self) -> dict[str, type]:
        """The columns in order, with the type of their values."""
        best = range(1, min(self.top_k, len(self.class_names)) + 1)
        ranked = {
            f"top{i}_{name}": kind for i in best for name, kind in (("label", str), ("confidence", float))
        }
        every = {f"probability_{name}": float for name in self.class_names} if self.with_probabilities else {}
        return {"file": str, "label": str, "confidence": float, "error": str, **ranked, **every, "model": str}

    def cells(self, prediction: Prediction) -> dict[str, Any]:
        """Return a prediction's values by column; what it does not have is None."""
        cells: dict[str, Any] = dict.fromkeys(self.columns)
        cells |= {
            "file": prediction.file,
            "label": prediction.label,
            "confidence": _rounded(prediction.confidence),
            "error": prediction.error,
            "model": self.model,
        }
        for rank, (name, value) in enumerate(prediction.top_k, start=1):
            cells |= {f"top{rank}_label": name, f"top{rank}_confidence": _rounded(value)}
        if self.with_probabilities:
            cells |= {
                f"probability_{name}": _rounded(value) for name, value in prediction.probabilities.items()
            }
        return cells

    def nested(self, prediction: Prediction) -> dict[str, Any]:
        """Return a prediction's values as one JSON object."""
        ranked = [{"label": name, "confidence": _rounded(value)} for name, value in prediction.top_k]
        every = {name: _rounded(value) for name, value in prediction.probabilities.items()}
        return {
            "file": prediction.file,
            "label": prediction.label,
            "confidence": _rounded(prediction.confidence),
            "error": prediction.error,
            "top_k": ranked,
            **({"probabilities": every} if self.with_probabilities else {}),
            **({"model": self.model} if self.model else {}),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
