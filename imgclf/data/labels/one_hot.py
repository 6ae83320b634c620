"""Labels spread over columns of 0 and 1, one column a class, as Roboflow and Kaggle write them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from imgclf.data.labels.cells import Where, name_of
from imgclf.data.labels.columns import GROUP, IMAGE, LABEL, SPLIT, Kind
from imgclf.errors import DataError

_ONE, _ZERO = frozenset(["1", "1.0", "True", "true"]), frozenset(["0", "0.0", "False", "false"])


def one_hot_columns(
    names: Sequence[str],
    cells: Callable[[str], Sequence[Any]],
    features: Mapping[str, Any],
    kinds: Mapping[str, Kind],
) -> tuple[str, ...]:
    """Return the columns that hold the classes; empty where the labels stand in one column.

    Where one of them has a label's usual name ("target"), they count only if each row has a 1 in at most one of them,
    and in one nearly always: else that column alone is the label.
    """
    known = {*IMAGE, *SPLIT, *GROUP}
    if any(feature.get("_type") == "ClassLabel" for feature in features.values()):
        return ()
    others = [
        name
        for name in names
        if name.strip().lower() not in known and kinds.get(name) not in ("image", "text")
    ]
    if any(name.strip().lower() in LABEL and name not in others for name in names):
        return ()
    if any(name.strip().lower() in LABEL and not _is_flag(cells(name)) for name in others):
        return ()
    flags = tuple(name for name in others if _is_flag(cells(name)))
    if len(flags) < 2:
        return ()
    if any(name.strip().lower() in LABEL for name in flags):
        ones = _matrix(flags, cells).sum(axis=1)
        if (ones > 1).any() or (ones == 1).mean() < 0.9:
            return ()
    return flags


def one_hot_labels(columns: Sequence[str], cells: Callable[[str], Sequence[Any]], where: Where) -> list[str]:
    """Return the class of each row, an empty string where no column has a 1.

    Raises:
        DataError: a row has a 1 in several columns.
    """
    matrix = _matrix(columns, cells)
    ones = matrix.sum(axis=1)
    names = [name_of(name) for name in columns]
    if (ones > 1).any():
        row = int(np.argmax(ones > 1))
        found = ", ".join(name for name, one in zip(names, matrix[row], strict=True) if one)
        raise DataError(
            f"{where(row)} has several labels ({found}). One label an image is learnt: keep one of them, or name one "
            f"column with --label-column."
        )
    return [
        names[place] if one else "" for place, one in zip(matrix.argmax(axis=1).tolist(), ones, strict=True)
    ]


def _matrix(columns: Sequence[str], cells: Callable[[str], Sequence[Any]]) -> np.ndarray:
    return np.array([[str(cell).strip() in _ONE for cell in cells(name)] for name in columns]).T


def _is_flag(cells: Sequence[Any]) -> bool:
    """Say whether a column holds 0 and 1, and both or many of one."""
    texts = {str(cell).strip() for cell in cells[:1000]}
    if not texts or not texts <= _ONE | _ZERO:
        return False
    return {str(cell).strip() for cell in cells} <= _ONE | _ZERO
