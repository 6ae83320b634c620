"""What CIFAR-10 and CIFAR-100 share: pickled batches from Toronto, or the same images as Parquet."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from imgclf.data.builtin.pickled_batches import read_batch
from imgclf.data.examples import Examples
from imgclf.data.fetching.download import Remote, fetch_archive
from imgclf.data.formats.parquet import parquet_table
from imgclf.data.labels.reading import Wishes
from imgclf.data.labels.rows import dataset_of
from imgclf.data.labels.table import read_table
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, OnProgress


class CifarFiles:
    """One of the two as a dataset plugin: where its files may be, and how they are fetched and read.

    Below the data directory: ``FOLDER`` or ``NAME/FOLDER`` with the pickled batches (torchvision's layout), or
    ``NAME/{train,test}.parquet`` (Hugging Face's layout), or the two Parquet files themselves.

    Args:
        info: what is known of the dataset.
        archive: Toronto's.
        folder: the name of the folder in Toronto's archive.
        batches: split -> its files.
        label_key: the key of the labels in a batch.
    """

    def __init__(
        self,
        info: DatasetInfo,
        archive: Remote,
        folder: str,
        batches: Mapping[str, tuple[str, ...]],
        label_key: bytes,
    ) -> None:
        self.info = info
        self._archive, self._folder, self._batches, self._label_key = archive, folder, batches, label_key

    def is_on_disk(self, root: Path) -> bool:
        """Say whether both splits are there in one of the two forms."""
        return self._batch_folder(root) is not None or self._parquet_folder(root) is not None

    def download(self, root: Path, progress: OnProgress = None) -> None:
        """Fetch and unpack the archive of pickled batches."""
        fetch_archive(self._archive, root, progress)

    def load(self, root: Path, split: str) -> Examples:
        """Return a split: uint8 (N, 32, 32, 3) from batches, encoded images from Parquet."""
        folder = self._batch_folder(root)
        if folder is None:
            return self._load_parquet(self._parquet_folder(root) or root, split)
        parts = [read_batch(folder / name, self._label_key) for name in self._batches[split]]
        labels = np.concatenate([labels for _, labels in parts])
        files = [f"{split}/{index:05d}" for index in range(len(labels))]
        return Examples(images=np.concatenate([images for images, _ in parts]), labels=labels, files=files)

    def _load_parquet(self, folder: Path, split: str) -> Examples:
        table = parquet_table({folder / f"{split}.parquet": split}, folder, str(folder))
        dataset = dataset_of(read_table(table, "parquet", Wishes(), hint=""), str(folder), self.info)
        if dataset.class_names != self.info.class_names:
            raise DataError(
                f"{folder} does not hold {self.info.name}: its classes are {', '.join(dataset.class_names[:5])}, ... "
                f"Name the right folder with --data-dir, or use --data {folder}."
            )
        return dataset.splits[split]

    def _batch_folder(self, root: Path) -> Path | None:
        names = [name for split in self._batches.values() for name in split]
        places = (root / self._folder, root / self.info.name / self._folder)
        return next((place for place in places if all((place / name).is_file() for name in names)), None)

    def _parquet_folder(self, root: Path) -> Path | None:
        for place in (root / self.info.name, root):
            if all((place / f"{split}.parquet").is_file() for split in self._batches):
                return place
        return None
