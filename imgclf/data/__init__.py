"""What comes in: datasets, splits, reading image files, transforms, loaders."""

from imgclf.data.datasets import DatasetListing, list_datasets, open_dataset
from imgclf.data.examples import Dataset, Examples, ImageSource
from imgclf.data.plugin import DatasetPlugin, DatasetReader
from imgclf.data.preprocess import normalize, normalize_on_device, preprocess
from imgclf.data.reading import read_image
from imgclf.data.saved_splits import read_split
from imgclf.data.splits import Splits, make_splits, split_rows

__all__ = [
    "Dataset",
    "DatasetListing",
    "DatasetPlugin",
    "DatasetReader",
    "Examples",
    "ImageSource",
    "Splits",
    "list_datasets",
    "make_splits",
    "normalize",
    "normalize_on_device",
    "open_dataset",
    "preprocess",
    "read_image",
    "read_split",
    "split_rows",
]
