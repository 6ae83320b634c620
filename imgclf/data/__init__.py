"""What comes in, from what ``--data`` names to the batches that a step takes.

In reading order: ``datasets`` (opens one), ``plugin`` and ``builtin`` (registered ones), ``formats`` (folders, manifests
and shards of the user's own) with ``labels`` and ``shards``, ``fetching`` (downloads), ``examples`` and ``stored_images`` (what all of them give),
``splits`` and ``saved_splits``, ``images`` (reads one image, makes it the model's input), ``augment``, ``loading``
(decoding, workers, batches), ``lookalikes`` (hashes and similarity).
"""

from typing import TYPE_CHECKING, Any

from imgclf.data.datasets import DatasetListing, list_datasets, open_dataset
from imgclf.data.examples import Dataset, Examples
from imgclf.data.images.preprocess import (
    OriginalBox,
    denormalize,
    normalize,
    normalize_on_device,
    original_box,
    preprocess,
    shown_share,
)
from imgclf.data.images.reading import read_image
from imgclf.data.images.source import ImageSource
from imgclf.data.labels.cells import as_unicode
from imgclf.data.labels.csv_table import read_csv_file
from imgclf.data.labels.reading import Wishes, wishes_of
from imgclf.data.loading.decoded_images import DecodedImages
from imgclf.data.plugin import DatasetPlugin, DatasetReader
from imgclf.data.saved_splits import read_split
from imgclf.data.splits import Splits, make_splits, split_rows

if TYPE_CHECKING:
    from imgclf.data.loading.loader import Batch, Loader
    from imgclf.data.loading.loaders import LoadingOptions, eval_loader, train_loader

__all__ = [
    "Batch",
    "Dataset",
    "DatasetListing",
    "DatasetPlugin",
    "DatasetReader",
    "DecodedImages",
    "Examples",
    "ImageSource",
    "Loader",
    "LoadingOptions",
    "OriginalBox",
    "Splits",
    "Wishes",
    "as_unicode",
    "denormalize",
    "eval_loader",
    "list_datasets",
    "make_splits",
    "normalize",
    "normalize_on_device",
    "open_dataset",
    "original_box",
    "preprocess",
    "read_csv_file",
    "read_image",
    "read_split",
    "shown_share",
    "split_rows",
    "train_loader",
    "wishes_of",
]

# Imported on first use: the loaders bring torch, which reading and preprocessing (and ONNX serving) do without.
_LAZY = {
    "Batch": "loader",
    "Loader": "loader",
    "LoadingOptions": "loaders",
    "eval_loader": "loaders",
    "train_loader": "loaders",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'imgclf.data' has no attribute '{name}'")
    from importlib import import_module  # noqa: PLC0415  # only where it is wanted

    return getattr(import_module(f"imgclf.data.loading.{_LAZY[name]}"), name)
