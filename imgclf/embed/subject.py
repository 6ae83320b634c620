"""What is embedded by what: a run's model, a pretrained backbone, or the pixels themselves."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from imgclf.data import Examples, open_dataset
from imgclf.embed.extraction import Features, backbone_features, pixel_features, trained_features
from imgclf.embed.options import Options
from imgclf.errors import DataError
from imgclf.inference import choose_images, open_backend
from imgclf.records import OnProgress, Preprocessing
from imgclf.runs import Run, fingerprint, read_header

_PIXELS = (32, 32)


@dataclass(frozen=True, eq=False)
class Subject:
    """Images, and what makes their features.

    Attributes:
        by: what makes the features: "resnet9", "pixels".
        model: a name that no other weights have.
        dataset: its name.
        split: the split's name, as it is and not as it was asked for.
        examples: the images.
        class_names: in index order.
        preprocessing: how an image becomes the input.
        features: makes them as the options say; only called where features are not at hand.
        folder: where results go unless another folder is given.
    """

    by: str
    model: str
    dataset: str
    split: str
    examples: Examples
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    features: Callable[[Options], Features]
    folder: Path

    @property
    def title(self) -> str:
        """One line for people."""
        return f"{self.by} on {self.dataset} ({self.split})"


def subject_of_run(
    run: Run, data: str | None, split: str, data_dir: Path | None = None, progress: OnProgress = None
) -> Subject:
    """Take a trained run's model, and its own images or others with class names that it knows.

    Raises:
        ImgclfError: of the kind that fits.
    """
    header = read_header(run.model_file)
    images = choose_images(run, header, data, split, data_dir=data_dir, progress=progress)

    def features(options: Options) -> Features:
        backend, _ = open_backend(run.model_file, header, options.device, runtime=options.runtime)
        return trained_features(backend, header.temperature)

    usual = images.own and images.split in ("test", "val")
    return Subject(
        by=header.arch,
        model=fingerprint(run.model_file),
        dataset=images.dataset,
        split=images.split,
        examples=images.examples,
        class_names=header.class_names,
        preprocessing=header.preprocessing,
        features=features,
        folder=run.path / ("embed" if usual else f"embed-{Path(images.dataset).name}-{images.split}"),
    )


def subject_untrained(
    data: str, model: str | None, split: str, data_dir: Path | None = None, progress: OnProgress = None
) -> Subject:
    """Take a dataset before any training, by a pretrained backbone or by its pixels alone.

    Args:
        data: a dataset as ``--data`` takes it.
        model: a network with pretrained weights at hand; None takes 32x32 pixels as the features.
        split: the split; a dataset without it is embedded by its ``train``.
        data_dir: where registered datasets live.
        progress: told phase and share.

    Raises:
        ImgclfError: of the kind that fits.
    """
    dataset = open_dataset(data, data_dir, progress=progress)
    chosen = split if dataset.splits.get(split) is not None else "train"
    examples = dataset.splits.get(chosen)
    if examples is None:
        raise DataError(f"The dataset '{dataset.info.name}' has neither {split} nor train images.")
    by, source, preprocessing, features = _backbone(model) if model else _pixels(examples)
    name = Path(dataset.info.name).name
    return Subject(
        by=by,
        model=source,
        dataset=dataset.info.name,
        split=chosen,
        examples=examples,
        class_names=dataset.class_names,
        preprocessing=preprocessing,
        features=features,
        folder=Path("embed") / (f"{name}-{by}" if chosen in ("test", "train") else f"{name}-{chosen}-{by}"),
    )


def _pixels(examples: Examples) -> tuple[str, str, Preprocessing, Callable[[Options], Features]]:
    # Grey images as three channels would be the same numbers thrice.
    grey = isinstance(examples.images, np.ndarray) and examples.images.ndim == 3
    half = (0.5,) if grey else (0.5,) * 3
    preprocessing = Preprocessing(
        image_size=_PIXELS, mean=half, std=half, resize_mode="squash", decoding="reduced"
    )
    return "pixels", "pixels", preprocessing, lambda options: pixel_features(preprocessing)


def _backbone(model: str) -> tuple[str, str, Preprocessing, Callable[[Options], Features]]:
    from imgclf.models import create_classifier  # noqa: PLC0415 - torch and timm take seconds

    classifier = create_classifier(model, 1, pretrained="yes").eval()
    spec = classifier.input_spec
    assert spec is not None  # "yes" insists on pretrained weights

    preprocessing = Preprocessing(**asdict(spec), decoding="reduced")

    def features(options: Options) -> Features:
        return backbone_features(classifier, preprocessing, options.device)

    return model, f"{classifier.arch}: {classifier.pretrained_source}", preprocessing, features
