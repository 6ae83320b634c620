"""Which split a word means: one rule for folders, files, shards and columns."""

import re
from pathlib import Path

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "validate": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "holdout": "test",
}
"""What people call the splits, in lower case -> what we call them."""


def split_in(name: str) -> str | None:
    """Return the split that a name says, alone or as one of its words; None where it says none.

    >>> split_in("Final_Training"), split_in("seg_test"), split_in("train2017"), split_in("contest"), split_in("hold-out")
    ('train', 'test', 'train', None, 'test')
    """
    words = re.split(r"[^a-z]+", name.lower().replace("hold-out", "holdout").replace("hold_out", "holdout"))
    return next((SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS), None)


def split_of(path: Path) -> str:
    """Return the split that a file's name or, failing that, a folder's name says; the nearest to the end wins.

    >>> split_of(Path("data/validation-00000-of-00001.parquet")), split_of(Path("test/0.tar")), split_of(Path("0.tar"))
    ('val', 'test', 'train')
    """
    said = (split_in(part) for part in (path.stem, *reversed(path.parent.parts)))
    return next((split for split in said if split), "train")
