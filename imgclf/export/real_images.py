"""Find real images to check an export with: given ones, the run's dataset, or the examples that it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgclf.data import ImageSource, open_dataset, wishes_of
from imgclf.errors import DataError, ImgclfError
from imgclf.inference import Predictor, find_images
from imgclf.recipes import load_config_file
from imgclf.runs import EXAMPLES, Run, kept_images


@dataclass(frozen=True, eq=False)
class RealImages:
    """Images to check an export with.

    Attributes:
        pixels: uint8 (N, H, W, C), preprocessed.
        labels: int64 (N,), what they show; None where nobody says.
    """

    pixels: np.ndarray
    labels: np.ndarray | None = None


def real_images(
    predictor: Predictor, run: Run | None, given: Sequence[str], data_dir: Path | None, count: int
) -> RealImages:
    """Return images spread over what there is.

    Args:
        predictor: prepares them.
        run: where the model comes from; None for a lone model file.
        given: files, folders or patterns that the user named; a file in a folder that is named after a class shows it.
        data_dir: where downloaded datasets live.
        count: how many are wanted at most.

    Raises:
        DataError: there is none to be read.
    """
    sources, labels = _sources(predictor.class_names, run, given, data_dir)
    places = np.linspace(0, len(sources) - 1, min(count, len(sources))).astype(int)
    prepared = [(predictor.prepare(sources[place]).pixels, labels[place]) for place in places]
    readable = [(pixels, label) for pixels, label in prepared if pixels is not None]
    if not readable and given:
        raise DataError(
            f"An export is checked on real images, and there is none that can be read in --images "
            f"{', '.join(given)}. Name a file, a folder or a pattern in quotes."
        )
    if not readable:
        raise DataError(
            "An export is checked on real images, and there are none: neither the run's examples nor its dataset "
            "can be read here. Name some with: --images FOLDER"
        )
    shown = np.array([label for _, label in readable], np.int64)
    return RealImages(np.stack([pixels for pixels, _ in readable]), shown if (shown >= 0).any() else None)


def _sources(
    class_names: Sequence[str], run: Run | None, given: Sequence[str], data_dir: Path | None
) -> tuple[Sequence[ImageSource | str], Sequence[int]]:
    """Return images, and what each shows as an index into the class names, -1 where nobody says."""

    def index(name: str) -> int:
        return list(class_names).index(name) if name in class_names else -1

    if given:
        files = [image for image in find_images(given) if isinstance(image, str)]
        return files, [index(Path(file).parent.name) for file in files]
    if run is None:
        return [], []
    # The dataset first: an int8 export measures ranges, and ten examples are few for that.
    images, labels = _dataset_images(run, data_dir, class_names)
    if images:
        return images, labels
    kept = kept_images(run.path / EXAMPLES)
    return [image.path for image in kept], [index(image.true_label) for image in kept]


def _dataset_images(
    run: Run, data_dir: Path | None, class_names: Sequence[str]
) -> tuple[Sequence[ImageSource], Sequence[int]]:
    """Return the test images of the run's dataset (or those of another split) without downloading anything."""
    try:
        config = load_config_file(run.config)
        dataset = open_dataset(config.data.dataset, data_dir, download=False, wishes=wishes_of(config.data))
    except ImgclfError:  # The data may be gone: a run stands on its own.
        return [], []
    splits = dataset.splits
    examples = splits.get("test", splits.get("val", splits["train"]))
    same = tuple(dataset.class_names) == tuple(class_names)  # else nobody says which class is which
    labels = [int(label) for label in examples.labels] if same else [-1] * len(examples.images)
    return list(examples.images), labels
