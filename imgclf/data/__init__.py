"""What comes in, from what ``--data`` names to the batches that a step takes.

In reading order: ``datasets`` (opens one), ``plugin`` and ``builtin`` (registered ones), ``paths``, ``label_format`` and
``formats`` (folders, manifests and shards of the user's own), ``taken`` (what was read as what) with ``labels`` and ``shards``, ``fetching`` (downloads), ``examples`` and ``stored_images`` (what all of them give),
``splits`` and ``saved_splits``, ``images`` (reads one image, makes it the model's input), ``augment``, ``loading``
(decoding, workers, batches), ``lookalikes`` (hashes and similarity).
"""

from typing import TYPE_CHECKING

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
from imgclf.data.images.reading import read_image, read_input
from imgclf.data.images.source import ImageSource
from imgclf.data.labels.cells import as_unicode
from imgclf.data.labels.csv_table import read_csv_file
from imgclf.data.labels.reading import Wishes, wishes_of
from imgclf.data.loading.decoded_images import DecodedImages
from imgclf.data.plugin import DatasetPlugin, DatasetReader
from imgclf.data.saved_splits import SplitChanges, read_split
from imgclf.data.splits import Splits, make_splits, split_rows
from imgclf.lazy import lazily

if TYPE_CHECKING:
    from imgclf.data.augment import plan_augmentation
    from imgclf.data.fetching.location import data_root
    from imgclf.data.images.names import display_name, extension
    from imgclf.data.images.preparation import AsEvaluated
    from imgclf.data.images.scan import Scan, walk_images
    from imgclf.data.images.signatures import image_format
    from imgclf.data.images.thumbnails import encode_thumbnail, thumbnail
    from imgclf.data.loading.cores import cores
    from imgclf.data.loading.decoded_cache import cache_key, default_cache_dir
    from imgclf.data.loading.loader import Batch, Loader
    from imgclf.data.loading.loaders import LoadingOptions, eval_loader, train_loader
    from imgclf.data.lookalikes.hashing import (
        THUMBNAIL_SIZE,
        hash_thumbnail,
        near_duplicate_pairs,
        perceptual_hashes,
    )
    from imgclf.data.lookalikes.similarity import MIN_SIDE, MIN_SIMILARITY, halve, similarity
    from imgclf.data.shards.shard_files import absolute_pattern, is_pattern
    from imgclf.data.taken import Taken

__all__ = [
    "MIN_SIDE",
    "MIN_SIMILARITY",
    "THUMBNAIL_SIZE",
    "AsEvaluated",
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
    "Scan",
    "SplitChanges",
    "Splits",
    "Taken",
    "Wishes",
    "absolute_pattern",
    "as_unicode",
    "cache_key",
    "cores",
    "data_root",
    "default_cache_dir",
    "denormalize",
    "display_name",
    "encode_thumbnail",
    "eval_loader",
    "extension",
    "halve",
    "hash_thumbnail",
    "image_format",
    "is_pattern",
    "list_datasets",
    "make_splits",
    "near_duplicate_pairs",
    "normalize",
    "normalize_on_device",
    "open_dataset",
    "original_box",
    "perceptual_hashes",
    "plan_augmentation",
    "preprocess",
    "read_csv_file",
    "read_image",
    "read_input",
    "read_split",
    "shown_share",
    "similarity",
    "split_rows",
    "thumbnail",
    "train_loader",
    "walk_images",
    "wishes_of",
]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "AsEvaluated": "imgclf.data.images.preparation",
        "Batch": "imgclf.data.loading.loader",
        "Loader": "imgclf.data.loading.loader",
        "LoadingOptions": "imgclf.data.loading.loaders",
        "MIN_SIDE": "imgclf.data.lookalikes.similarity",
        "MIN_SIMILARITY": "imgclf.data.lookalikes.similarity",
        "Scan": "imgclf.data.images.scan",
        "THUMBNAIL_SIZE": "imgclf.data.lookalikes.hashing",
        "Taken": "imgclf.data.taken",
        "absolute_pattern": "imgclf.data.shards.shard_files",
        "cache_key": "imgclf.data.loading.decoded_cache",
        "cores": "imgclf.data.loading.cores",
        "data_root": "imgclf.data.fetching.location",
        "default_cache_dir": "imgclf.data.loading.decoded_cache",
        "display_name": "imgclf.data.images.names",
        "encode_thumbnail": "imgclf.data.images.thumbnails",
        "eval_loader": "imgclf.data.loading.loaders",
        "extension": "imgclf.data.images.names",
        "halve": "imgclf.data.lookalikes.similarity",
        "hash_thumbnail": "imgclf.data.lookalikes.hashing",
        "image_format": "imgclf.data.images.signatures",
        "is_pattern": "imgclf.data.shards.shard_files",
        "near_duplicate_pairs": "imgclf.data.lookalikes.hashing",
        "perceptual_hashes": "imgclf.data.lookalikes.hashing",
        "plan_augmentation": "imgclf.data.augment",
        "similarity": "imgclf.data.lookalikes.similarity",
        "thumbnail": "imgclf.data.images.thumbnails",
        "train_loader": "imgclf.data.loading.loaders",
        "walk_images": "imgclf.data.images.scan",
    },
)
