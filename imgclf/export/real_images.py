"""Find real images to check an export with: given ones, the run's dataset, or the examples that it keeps."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imgclf.data import ImageSource, open_dataset, wishes_of
from imgclf.errors import DataError, ImgclfError
from imgclf.inference import Predictor, find_images
from imgclf.recipes import load_config_file
from imgclf.runs import EXAMPLES, Run, kept_images


def real_pixels(
    predictor: Predictor, run: Run | None, given: Sequence[str], data_dir: Path | None, count: int
) -> np.ndarray:
    """Return preprocessed images, uint8 (N, H, W, C) with N at most ``count``, spread over what there is.

    Args:
        predictor: prepares them.
        run: where the model comes from; None for a lone model file.
        given: files, folders or patterns that the user named.
        data_dir: where downloaded datasets live.
        count: how many are wanted.

    Raises:
        DataError: there is none to be read.
    """
    sources = _sources(run, given, data_dir)
    chosen = [
        sources[index] for index in np.linspace(0, len(sources) - 1, min(count, len(sources))).astype(int)
    ]
    prepared = [predictor.prepare(source) for source in chosen]
    pixels = [item.pixels for item in prepared if item.pixels is not None]
    if not pixels and given:
        raise DataError(
            f"An export is checked on real images, and there is none that can be read in --images "
            f"{', '.join(given)}. Name a file, a folder or a pattern in quotes."
        )
    if not pixels:
        raise DataError(
            "An export is checked on real images, and there are none: neither the run's examples nor its dataset "
            "can be read here. Name some with: --images FOLDER"
        )
    return np.stack(pixels)


def _sources(run: Run | None, given: Sequence[str], data_dir: Path | None) -> Sequence[ImageSource | str]:
    if given:
        return [image for image in find_images(given) if isinstance(image, str)]
    if run is None:
        return []
    # The dataset first: an int8 export measures ranges, and ten examples are few for that.
    return _dataset_images(run, data_dir) or [image.path for image in kept_images(run.path / EXAMPLES)]


def _dataset_images(run: Run, data_dir: Path | None) -> Sequence[ImageSource]:
    """Return the test images of the run's dataset (or those of another split) without downloading anything."""
    try:
        config = load_config_file(run.config)
        splits = open_dataset(
            config.data.dataset, data_dir, download=False, wishes=wishes_of(config.data)
        ).splits
    except ImgclfError:  # The data may be gone: a run stands on its own.
        return []
    examples = splits.get("test", splits.get("val", splits["train"]))
    return list(examples.images)
