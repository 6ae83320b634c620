"""One adapter for torchvision's classification datasets: theirs to download and index, ours to read.

torchvision is imported when such a set is opened, not when it is listed. Its own downloader has no time limit,
prints its progress and starts over after an interruption, so ours takes its place while one of its sets downloads.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from PIL import Image

from imgclf.data.examples import Dataset, Examples
from imgclf.data.fetching.download import retrieve
from imgclf.data.images.names import display_name
from imgclf.errors import DataError, DownloadError
from imgclf.records import DatasetInfo, OnProgress


@dataclass(frozen=True)
class Fields:
    """Where one of torchvision's datasets keeps what it has indexed.

    Attributes:
        images: the attribute with the files' paths, with (path, label) pairs, or with pixels.
        labels: the attribute with the labels; an empty string where ``images`` has pairs.
        layout: ``files`` for paths, ``ppm`` for paths of PPM files; of pixels ``NHWC`` (or (N, H, W)), ``NCHW`` or
            ``NWH``.
    """

    images: str
    labels: str = ""
    layout: Literal["files", "ppm", "NHWC", "NCHW", "NWH"] = "files"


@dataclass(frozen=True)
class TorchvisionSet:
    """One of torchvision's datasets as a dataset plugin.

    Attributes:
        info: what is known of it; class names may be left to torchvision.
        factory: the class's name in ``torchvision.datasets``.
        splits: our split -> the keyword arguments that choose it.
        fields: where the indexed images and labels are.
        marker: a path below the data directory that exists once the set is unpacked.
        folder: a folder of its own below the data directory, for a set that makes none.
        downloads: whether its class takes ``download``.
        arguments: keyword arguments that all splits share.
    """

    info: DatasetInfo
    factory: str
    splits: Mapping[str, Mapping[str, Any]]
    fields: Fields
    marker: str
    folder: str = ""
    downloads: bool = True
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def is_on_disk(self, root: Path) -> bool:
        """Say whether the unpacked set is there."""
        return (root / self.folder / self.marker).exists()

    def open(self, root: Path, *, download: bool = True, progress: OnProgress = None) -> Dataset:
        """Open every split, after downloading where needed and allowed.

        Raises:
            DataError: it is not there and may not or cannot be downloaded; torchvision cannot read it.
            DownloadError: it could not be fetched.
        """
        place = root / self.folder
        missing = not self.is_on_disk(root)
        if missing and self.info.manual:
            raise DataError(f"'{self.info.name}' is not in {root}. {self.info.manual}")
        if missing and not download:
            raise DataError(
                f"'{self.info.name}' is not in {root} and downloading is off. Allow it, or name the folder that has it "
                f"with --data-dir."
            )
        if missing:
            place.mkdir(parents=True, exist_ok=True)
        opened = {
            split: self._create(place, arguments, missing, progress)
            for split, arguments in self.splits.items()
        }
        names = self.info.class_names or _class_names(opened["train"])
        splits = {split: self._examples(split, dataset, root) for split, dataset in opened.items()}
        return Dataset(info=self.info, class_names=names, splits=splits)

    def _create(self, place: Path, arguments: Mapping[str, Any], download: bool, progress: OnProgress) -> Any:
        factory = getattr(importlib.import_module("torchvision.datasets"), self.factory)
        flag = {"download": download} if self.downloads else {}
        try:
            with downloads_of_ours(progress):
                return factory(str(place), **self.arguments, **arguments, **flag)
        except DownloadError:
            raise
        except Exception as error:  # torchvision raises whatever its parsers do.
            reason = str(error).strip() or type(error).__name__
            if download:
                raise DownloadError(
                    f"'{self.info.name}' could not be downloaded into {place}: {reason}. Put its files there by hand "
                    f"(from {self.info.source}) or try again later."
                ) from error
            raise DataError(
                f"'{self.info.name}' in {place} could not be read: {reason}. Remove {place / self.marker} to download it "
                f"again."
            ) from error

    def _examples(self, split: str, dataset: Any, root: Path) -> Examples:
        images = getattr(dataset, self.fields.images)
        if self.fields.layout not in ("files", "ppm"):
            labels = np.asarray(getattr(dataset, self.fields.labels), dtype=np.int64)
            files = [f"{split}/{index:05d}" for index in range(len(labels))]
            return Examples(images=_pixels(images, self.fields.layout), labels=labels, files=files)
        pairs = (
            list(zip(images, getattr(dataset, self.fields.labels), strict=True))
            if self.fields.labels
            else images
        )
        # Sorted: some of them list a folder in whatever order the file system gives.
        pairs = sorted((str(path), int(label)) for path, label in pairs)
        paths = [Path(path) for path, _ in pairs]
        return Examples(
            images=PpmImages(paths) if self.fields.layout == "ppm" else paths,
            labels=np.asarray([label for _, label in pairs], dtype=np.int64),
            files=[_below(path, root) for path in paths],
        )


class PpmImages(Sequence[np.ndarray]):
    """PPM files as pixels, decoded when asked for: a format of curated sets that is not read from users.

    Args:
        paths: the files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> "PpmImages": ...
    def __getitem__(self, index: int | slice) -> "np.ndarray | PpmImages":
        """Return uint8 (H, W, 3)."""
        if isinstance(index, slice):
            return PpmImages(self._paths[index])
        with Image.open(self._paths[index], formats=["PPM"]) as image:
            return np.asarray(image.convert("RGB"))


@contextmanager
def downloads_of_ours(progress: OnProgress) -> Iterator[None]:
    """Let torchvision's datasets fetch through :mod:`imgclf.data.fetching.download` meanwhile."""
    utils = importlib.import_module("torchvision.datasets.utils")

    def fetch(url: str, filename: str | Path, *_: Any, **__: Any) -> None:
        target = Path(filename)
        part = target.with_name(f"{target.name}.part")
        retrieve(url, part, target, progress)
        part.replace(target)

    ours: dict[str, Callable[..., Any]] = {
        "_urlretrieve": fetch,
        "_get_redirect_url": lambda url, max_hops=3: url,  # ours follows redirects itself
    }
    theirs = {name: getattr(utils, name) for name in ours if name in vars(utils)}
    try:
        for name in theirs:
            setattr(utils, name, ours[name])
        yield
    finally:
        for name, function in theirs.items():
            setattr(utils, name, function)


def _class_names(dataset: Any) -> tuple[str, ...]:
    """Return torchvision's class names; ImageNet's are tuples of synonyms."""
    return tuple(name if isinstance(name, str) else ", ".join(name) for name in dataset.classes)


def _below(path: Path, root: Path) -> str:
    return display_name(path.relative_to(root).as_posix() if path.is_relative_to(root) else path)


def _pixels(pixels: Any, layout: str) -> np.ndarray:
    array = np.asarray(pixels, dtype=np.uint8)
    axes = {"NCHW": (0, 2, 3, 1), "NWH": (0, 2, 1)}.get(layout)
    return np.ascontiguousarray(array.transpose(axes)) if axes else array
