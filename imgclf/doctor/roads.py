"""Do all roads from one image to its probabilities agree? And if not, which is the first to differ?"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.data import Examples, LoadingOptions, denormalize, eval_loader, read_image
from imgclf.errors import ImgclfError, UsageError
from imgclf.inference import Predictor, TorchBackend, format_of
from imgclf.task import softmax

TOLERANCE = 1e-5
"""Largest difference of a probability between two roads in float32."""

EXPORT_TOLERANCE = 1e-4
"""The same for an exported file, which computes with another library; a parity report beside it may allow more."""


@dataclass(frozen=True)
class Road:
    """What one way from the image to an answer gave.

    Attributes:
        name: ``training-time evaluation``, ``predict``, ``Python API``, or an exported file.
        pixels: the first 12 hexadecimal digits of the SHA-256 of the model's input as uint8 (H, W, C).
        top: the five best classes with their probabilities, best first.
        max_difference: largest difference of a probability from the first road.
        same: whether pixels and probabilities are those of the first road, within tolerance.
        error: why it gave nothing; the other fields are empty then.
    """

    name: str
    pixels: str = ""
    top: tuple[tuple[str, float], ...] = ()
    max_difference: float = 0.0
    same: bool = False
    error: str | None = None


@dataclass(frozen=True)
class RoadReport:
    """All roads side by side.

    Attributes:
        image: the image's name.
        roads: in order; the first is the reference.
        first_difference: name of the first road that differs or failed, None when all agree.
    """

    image: str
    roads: tuple[Road, ...]
    first_difference: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Answer:
    name: str
    pixels: np.ndarray
    probabilities: np.ndarray
    tolerance: float = TOLERANCE


def compare_roads(run: str | Path, image: Path, exports: Iterable[Path] = ()) -> RoadReport:
    """Take one image through every way that leads to an answer, on the CPU in float32.

    Args:
        run: run directory, its name, or a model file.
        image: an image file.
        exports: exported files; those in the run's ``export`` folder are added.

    Raises:
        RunError: there is no such run.
        UsageError: it is an exported file itself.
        ImageError: the image cannot be read.
    """
    predictor = Predictor.open(run, device="cpu", runtime="torch")
    if not isinstance(predictor.backend, TorchBackend):
        raise UsageError(f"{run}: exported already. Compare from the run that it came from.")
    read_image(image)  # An image that nobody can read is no difference between roads: let the error speak.
    found = [file for file in sorted((predictor.file.parent / "export").glob("*")) if format_of(file)]
    reference = _evaluated(predictor, predictor.backend, image)
    answers: list[_Answer | Road] = [
        reference,
        _predicted(predictor, image),
        _called(predictor, image),
        *(_exported(file, image) for file in [*exports, *found]),
    ]
    roads = tuple(_road(answer, reference, predictor.class_names) for answer in answers)
    first = next((road.name for road in roads if not road.same), None)
    return RoadReport(str(image), roads, first)


def _evaluated(predictor: Predictor, backend: TorchBackend, image: Path) -> _Answer:
    """What evaluation after each epoch of training does: the loader's batch through the network."""
    examples = Examples(images=[image], labels=np.zeros(1, np.int64), files=[str(image)])
    spec = predictor.header.preprocessing
    loader = eval_loader(examples, spec, LoadingOptions(batch_size=1, device="cpu", on_error="fail"))
    (batch,) = loader.epoch(0)
    logits = backend.classifier(batch.images).detach().numpy()
    pixels = denormalize(batch.images[0].numpy(), spec)
    return _Answer("training-time evaluation", pixels, softmax(logits, predictor.header.temperature)[0])


def _predicted(predictor: Predictor, image: Path) -> _Answer | Road:
    """What ``imgclf predict`` does: the file's path through the stream."""
    (prediction,) = predictor.predict_stream([image])
    prepared = predictor.prepare(image)
    if prediction.error or prepared.pixels is None:
        return Road("predict", error=prediction.error)
    return _Answer("predict", prepared.pixels, _in_order(predictor, prediction.probabilities.values()))


def _called(predictor: Predictor, image: Path) -> _Answer | Road:
    """What a caller of the Python API and the server do: an encoded image that is in memory already."""
    content = image.read_bytes()
    (prediction,) = predictor.predict([content])
    prepared = predictor.prepare(content)
    if prediction.error or prepared.pixels is None:
        return Road("Python API", error=prediction.error)
    return _Answer("Python API", prepared.pixels, _in_order(predictor, prediction.probabilities.values()))


def _exported(file: Path, image: Path) -> _Answer | Road:
    exported_format = format_of(file)
    name = f"{exported_format.title} {file.name}" if exported_format else file.name
    try:
        exported = Predictor.open(file, device="cpu")
    except ImgclfError as error:
        return Road(name, error=str(error))
    prepared = exported.prepare(image)
    if prepared.pixels is None:
        return Road(name, error=prepared.error)
    return _Answer(name, prepared.pixels, exported.probabilities(prepared.pixels[None])[0], _allowed(file))


def _allowed(file: Path) -> float:
    """Return what the export was made with, for one image: int8 is not expected to be exact."""
    report_file = file.with_name(f"{file.name}.parity.json")
    if not report_file.is_file():
        report_file = file.with_suffix(
            ".parity.json"
        )  # what ONNX exports had before there were several formats
    try:
        report = json.loads(report_file.read_text(encoding="utf-8"))
        tolerance = float(report["tolerance"])
        return max(tolerance, float(report.get("max_probability_difference", tolerance)))
    except (OSError, ValueError, KeyError, TypeError):
        return EXPORT_TOLERANCE


def _road(answer: _Answer | Road, reference: _Answer, names: tuple[str, ...]) -> Road:
    if isinstance(answer, Road):
        return answer
    difference = float(np.abs(answer.probabilities - reference.probabilities).max())
    pixels, expected = _digest(answer.pixels), _digest(reference.pixels)
    best = np.argsort(-answer.probabilities, kind="stable")[:5]
    return Road(
        name=answer.name,
        pixels=pixels,
        top=tuple((names[index], float(answer.probabilities[index])) for index in best),
        max_difference=difference,
        same=pixels == expected and difference <= answer.tolerance,
    )


def _in_order(predictor: Predictor, values: Iterable[float]) -> np.ndarray:
    return np.fromiter(values, np.float32, len(predictor.class_names))


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:12]
