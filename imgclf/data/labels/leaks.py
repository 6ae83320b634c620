"""Find what two splits share: a file, cheaply (by size first, by content only where sizes agree), or a group."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from imgclf.data.examples import Examples
from imgclf.data.stored_images import storage_of

MOST_FILES = 20_000
"""Above this the check is left to `imgclf eda`, which has the time: opening a dataset must stay quick."""


def same_file_warning(splits: Mapping[str, Examples]) -> list[str]:
    """Return a sentence if files of `train` are met again, byte for byte, in another split; else nothing."""
    if len(splits) < 2 or "train" not in splits or sum(map(len, splits.values())) > MOST_FILES:
        return []
    train = _by_size(splits["train"])
    sentences = []
    for split, examples in splits.items():
        if split == "train":
            continue
        pairs = _same_content(train, _by_size(examples))
        if pairs:
            ours, theirs = pairs[0]
            images = "1 image is" if len(pairs) == 1 else f"{len(pairs)} images are"
            sentences.append(
                f"{images} in both train and {split}, for example {splits['train'].files[ours]} and "
                f"{examples.files[theirs]}; the {split} figures flatter the model."
            )
    return sentences


def shared_group_warning(splits: Mapping[str, Examples]) -> list[str]:
    """Return a sentence for each split that shares groups (patients, videos) with `train`."""
    if "train" not in splits:
        return []
    train = set(splits["train"].groups) - {""}
    sentences = []
    for split, examples in splits.items():
        shared = sorted(train & set(examples.groups)) if split != "train" else []
        if shared:
            groups = "1 group is" if len(shared) == 1 else f"{len(shared)} groups are"
            sentences.append(
                f"{groups} in both train and {split}, for example '{shared[0]}'; the {split} figures flatter the model."
            )
    return sentences


def _by_size(examples: Examples) -> dict[int, list[tuple[int, Path]]]:
    """Return size in bytes -> (index, path); a file that cannot be reached is left to the reader to report."""
    sizes: dict[int, list[tuple[int, Path]]] = defaultdict(list)
    if storage_of(examples.images) is not None:  # No files of their own, and to look at one is to fetch it.
        return sizes
    for index, source in enumerate(examples.images):
        if isinstance(source, Path):
            try:
                sizes[source.stat().st_size].append((index, source))
            except OSError:
                continue
    sizes.pop(0, None)
    return sizes


def _same_content(
    train: Mapping[int, list[tuple[int, Path]]], other: Mapping[int, list[tuple[int, Path]]]
) -> list[tuple[int, int]]:
    pairs = []
    for size in sorted(train.keys() & other.keys()):
        first_with = {_digest(path): index for index, path in reversed(train[size])}
        pairs += [
            (first_with[key], index) for index, path in other[size] if (key := _digest(path)) in first_with
        ]
    return pairs


def _digest(path: Path) -> bytes:
    """Return the content's hash; an unreadable file equals no other."""
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    except OSError:
        return str(path).encode(errors="surrogateescape")
