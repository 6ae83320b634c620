"""The records that functions return and files hold: frozen, plain, free of heavy imports."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

ResizeMode = Literal["crop", "squash", "pad"]
Decoding = Literal["whole", "reduced"]

MODEL_FILE_FORMAT = 2
"""2 since November 2026: the preprocessing says how JPEG photographs are decoded; files of format 1 decode whole."""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the model's input. Written once, stored in the model file, read by every stage.

    Attributes:
        image_size: (height, width) of the model's input in pixels.
        mean: per-channel mean in [0, 1] that is subtracted; its length is the number of channels (1 or 3).
        std: per-channel standard deviation in [0, 1] that divides.
        resize_mode: ``crop`` resizes the shorter side to size / crop_fraction and cuts the centre, ``squash``
            resizes both sides to the size, ``pad`` fits the whole image inside and fills the rest with grey 128.
        crop_fraction: the share of the resized image that the centre crop keeps, in (0, 1]; timm's ``crop_pct``.
        interpolation: ``nearest``, ``bilinear``, ``bicubic`` or ``lanczos`` (Pillow's, antialiased).
        decoding: ``whole``, or ``reduced``: the decoder of a JPEG at least twice as large as needed leaves out what
            resizing would take away. Model files of before this field decode whole.
    """

    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize_mode: ResizeMode = "crop"
    crop_fraction: float = 1.0
    interpolation: str = "bilinear"
    decoding: Decoding = "whole"

    @property
    def channels(self) -> int:
        """Number of colour channels: 1 (grey) or 3 (RGB)."""
        return len(self.mean)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and numbers for JSON or TOML."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Preprocessing":
        """Rebuild from :meth:`to_dict`."""
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**fields)


@dataclass(frozen=True)
class ModelHeader:
    """What a model file says of itself besides its weights.

    Attributes:
        arch: the timm name of the network.
        arch_args: keyword arguments for ``timm.create_model`` (``img_size``, ``drop_rate``, ...).
        class_names: in index order; ``logits[:, i]`` is class ``class_names[i]``.
        preprocessing: how an image becomes the input.
        head: ``{"dropout": float, "hidden": int}``; hidden 0 is timm's own linear head.
        temperature: logits are divided by it before the softmax (Guo et al. 2017); 1 is uncalibrated.
        threshold: confidence below which the answer is ``unknown``; None never rejects.
        provenance: dataset and its fingerprint, resolved config, library versions, metrics, plugin package.
    """

    arch: str
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    arch_args: Mapping[str, Any] = field(default_factory=dict)
    head: Mapping[str, Any] = field(default_factory=lambda: {"dropout": 0.0, "hidden": 0})
    temperature: float = 1.0
    threshold: float | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return what the model file stores as JSON, with its format version."""
        return {
            "format": MODEL_FILE_FORMAT,
            "arch": self.arch,
            "arch_args": dict(self.arch_args),
            "class_names": list(self.class_names),
            "preprocessing": self.preprocessing.to_dict(),
            "head": dict(self.head),
            "temperature": self.temperature,
            "threshold": self.threshold,
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelHeader":
        """Rebuild from :meth:`to_dict`; the caller has checked the format version."""
        fields = {key: value for key, value in values.items() if key != "format"}
        fields["class_names"] = tuple(fields["class_names"])
        fields["preprocessing"] = Preprocessing.from_dict(fields["preprocessing"])
        return cls(**fields)


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset without opening it.

    Attributes:
        name: the name that ``--data`` takes.
        summary: one sentence without a full stop.
        class_names: in index order; empty where only the data itself can tell.
        class_count: number of classes where it is known without their names; 0 otherwise.
        splits: number of images per split; empty where only the data itself can tell.
        image_size: (height, width) in pixels where all images share it, else None.
        channels: 1 for grey, 3 for colour.
        licence: as its authors state it, or "not stated".
        source: where it comes from (a page or a paper).
        download_bytes: size of the download; 0 where there is none.
        manual: instructions where the user has to fetch it by hand, else an empty string.
    """

    name: str
    summary: str
    class_names: tuple[str, ...] = ()
    splits: Mapping[str, int] = field(default_factory=dict)
    image_size: tuple[int, int] | None = None
    channels: int = 3
    licence: str = "not stated"
    source: str = "not stated"
    download_bytes: int = 0
    manual: str = ""
    class_count: int = 0


@dataclass(frozen=True)
class UnreadableImage:
    """A file that was left out, with the reason."""

    file: str
    reason: str


@dataclass(frozen=True)
class EpochRecord:
    """One row of ``history.csv``. Losses are means per image, accuracies fractions in [0, 1].

    Attributes:
        epoch: counted from 1.
        train_loss: over the epoch's augmented images, in training mode.
        train_accuracy: of the same forward passes; with mixing, against the label of the larger share.
        val_loss: over the validation images, in evaluation mode, with the averaged weights where there are some.
        val_accuracy: top-1, of the same pass.
        val_macro_f1: F1 averaged over the classes.
        lr: the learning rate of the first parameter group at the epoch's end.
        seconds: the epoch's wall time with its validation.
        images_per_second: training images a second, validation left out.
        data_wait: share of the training time that went by waiting for data, in [0, 1].
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    val_macro_f1: float
    lr: float
    seconds: float
    images_per_second: float
    data_wait: float

    def to_dict(self) -> dict[str, float]:
        """Return the row as a dictionary in column order."""
        return asdict(self)


@dataclass(frozen=True)
class Prediction:
    """What the model says of one image; an unreadable image has an error and nothing else.

    Attributes:
        file: the image's name as the user gave it.
        label: the predicted class name, ``"unknown"`` below the model's threshold, None with an error.
        confidence: the highest probability, in [0, 1].
        probabilities: class name -> probability, in class order; they sum to 1.
        top_k: (class name, probability) pairs, best first.
        error: why there is no prediction.
    """

    file: str
    label: str | None = None
    confidence: float | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    top_k: tuple[tuple[str, float], ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is; the command line draws it, nothing else does.

    Attributes:
        phase: what is being done ("Decoding train", "Epoch 3").
        done: units finished.
        total: units in all, or None where unknown.
        detail: a short text beside the bar ("loss 0.412 · 812 img/s").
    """

    phase: str
    done: int
    total: int | None
    detail: str = ""


OnProgress: TypeAlias = Callable[[Progress], None] | None
"""What long work tells how far it is; None where nobody listens."""
