"""Intel's scenes: about 17,000 photos of 150x150 pixels in six classes; 14,034 `train`, 3,000 `test`.

Source: https://www.kaggle.com/datasets/puneet6060/intel-image-classification, from a challenge that Intel held with
Analytics Vidhya in 2018. Licence: "Data files © Original Authors". A few images are smaller than the others.
Kaggle asks for a login, so the download is by hand.
"""

from pathlib import Path

from imgclf.data.examples import Dataset
from imgclf.data.formats.folder import read_class_folders
from imgclf.data.images.names import display_name
from imgclf.data.labels.rows import dataset_of
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, OnProgress

_MANUAL = (
    "Download the archive from https://www.kaggle.com/datasets/puneet6060/intel-image-classification and unpack it so "
    "that its seg_train and seg_test folders lie in {place}, or name the folder that holds them with --data-dir."
)


class Intel:
    """Six kinds of natural and built scenes."""

    info = DatasetInfo(
        name="intel",
        summary="Photos of natural and built scenes",
        class_names=("buildings", "forest", "glacier", "mountain", "sea", "street"),
        splits={"train": 14_034, "test": 3_000},
        image_size=(150, 150),
        licence="© original authors",
        source="https://www.kaggle.com/datasets/puneet6060/intel-image-classification",
        manual=_MANUAL.format(place="the folder 'intel' of the data directory"),
    )

    def is_on_disk(self, root: Path) -> bool:
        """Say whether seg_train is there."""
        return _place(root) is not None

    def open(self, root: Path, *, download: bool = True, progress: OnProgress = None) -> Dataset:
        """Open the folder; a part of the set will do.

        Raises:
            DataError: it is not there, with where to get it and where to put it; or its classes are others.
        """
        place = _place(root)
        if place is None:
            raise DataError(
                f"'intel' is not in {root}, and it can only be fetched by hand. "
                f"{_MANUAL.format(place=root / 'intel')}"
            )
        dataset = dataset_of(read_class_folders(place), display_name(place), self.info)
        if dataset.class_names != self.info.class_names:
            raise DataError(
                f"{place} does not hold the Intel scenes: its classes are {', '.join(dataset.class_names)}. Use "
                f"--data {place} for a folder of your own."
            )
        return dataset


def _place(root: Path) -> Path | None:
    places = (root / "intel", root / "intel-image-classification", root)
    return next((place for place in places if (place / "seg_train").is_dir()), None)
