"""Tiny datasets of one's own, and what opening them gives."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imgclf.data import Dataset, open_dataset
from imgclf.data.labels.reading import Wishes
from imgclf.errors import DataError


def tree(root: Path, *names: str) -> Path:
    """Write one different image under each name."""
    for shade, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (shade, 90, 7)).save(root / name, format="PNG")
    return root


def sizes(dataset: Dataset) -> dict[str, int]:
    """Return split -> number of images."""
    return {split: len(found) for split, found in dataset.splits.items()}


def labels(dataset: Dataset, split: str = "train") -> list[str]:
    """Return the class name of each image."""
    return [dataset.class_names[index] for index in dataset.splits[split].labels]


def error_of(spec: Path | str, **wishes: Any) -> str:
    """Return the sentence that opening gives."""
    with pytest.raises(DataError) as caught:
        open_dataset(str(spec), wishes=Wishes(**wishes))
    return str(caught.value)


def table(folder: Path, text: str, name: str = "labels.csv") -> str:
    """Write a CSV beside six images img/0.png to img/5.png and return its path."""
    tree(folder, *(f"img/{number}.png" for number in range(6)))
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def parquet(folder: Path, **columns: Any) -> str:
    """Write labels.parquet beside six images and return its path."""
    tree(folder, *(f"img/{number}.png" for number in range(6)))
    rows = len(next(iter(columns.values())))
    columns.setdefault("path", [f"img/{number}.png" for number in range(rows)])
    pq.write_table(pa.table(columns), folder / "labels.parquet")
    return str(folder / "labels.parquet")
