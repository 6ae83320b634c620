"""From the cells of a label column to class names: one rule for every format.

- Text is a name, without the space around it, in Unicode's composed form; bytes are decoded.
- Whole numbers are names, too, or mean one of the class names where a source has them. pandas writes a column of
  whole numbers with gaps as 0.0, 1.0, nan: these are whole numbers and gaps.
- None, an empty cell and NaN are no label; nor is -1 beside 0, 1, ... or beside class names, as competitions publish it.
- A list of one is that label, as are Label Studio's {"choices": ["cat"]}. More than one is refused, with the row.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from imgclf.data.images.names import display_name
from imgclf.errors import DataError

_WHOLE = re.compile(r"-?\d+(\.0+)?")
_GAPS = frozenset(["nan", "none", "null", "na", "n/a", "<na>"])  # beside numbers only: "none" may be a class

Where = Callable[[int], str]
"""Says where a row is, for a message: "labels.csv, line 3"."""


def label_names(cells: Sequence[Any], where: Where, class_names: Sequence[str] = ()) -> list[str]:
    """Return the class name of each cell; an empty string where it has none.

    Args:
        cells: a column, as it was read.
        where: names the place of a row.
        class_names: what whole numbers mean, where the source says it.

    Raises:
        DataError: a cell holds several labels, or something that is no name.
    """
    plain = [cell if isinstance(cell, str) else _plain(cell, row, where) for row, cell in enumerate(cells)]
    if class_names and set(plain) <= set(class_names) and all(isinstance(cell, str) for cell in cells):
        return plain  # Names already.
    if class_names:
        return _among(plain, [isinstance(cell, str) for cell in cells], class_names, where)
    meaning = _meanings(set(plain))
    _refuse_lists(plain, meaning, where)
    return [meaning[text] for text in plain]


def _meanings(texts: Iterable[str]) -> dict[str, str]:
    """Return text -> name, for the different texts of one column."""
    names = {text: name_of(text) for text in texts}
    filled = {name for name in names.values() if name and name.lower() not in _GAPS}
    if filled and all(_WHOLE.fullmatch(name) for name in filled):
        names = {text: _number(name) for text, name in names.items()}
        if "0" in names.values():
            names = {text: "" if name == "-1" else name for text, name in names.items()}
    return names


def name_of(text: str) -> str:
    """Return a class name as it is shown: no space around it, composed, control characters escaped."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", as_unicode(text))
    return display_name(text.strip())


def as_unicode(text: str) -> str:
    """Return a cell whose bytes were no UTF-8 (they come as surrogates) as cp1252, in which spreadsheets write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    return text


def _number(name: str) -> str:
    return name.partition(".")[0] if _WHOLE.fullmatch(name) else ""


def _among(plain: list[str], is_text: list[bool], class_names: Sequence[str], where: Where) -> list[str]:
    """Return the known class that each number or name means."""
    known, meaning = set(class_names), {}
    for cell in set(zip(plain, is_text, strict=True)):
        text, name = cell[0], name_of(cell[0])
        if text in ("", "-1"):
            meaning[cell] = ""
        elif cell[1] and name in known:
            meaning[cell] = name
        elif _WHOLE.fullmatch(text) and 0 <= int(_number(text)) < len(class_names):
            meaning[cell] = class_names[int(_number(text))]
        else:
            raise DataError(
                f"{where(plain.index(text))} has the label {name}, but {len(class_names)} classes are named (0 to "
                f"{len(class_names) - 1})."
            )
    return [meaning[cell] for cell in zip(plain, is_text, strict=True)]


def _plain(cell: Any, row: int, where: Where) -> str:
    """Return a cell that is no text as text."""
    if cell is None or cell != cell:  # NaN
        return ""
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "surrogateescape")
    if isinstance(cell, dict) and set(cell) == {"choices"}:
        cell = cell["choices"]
    if isinstance(cell, list | tuple):
        if len(cell) > 1:
            raise _several(row, ", ".join(map(str, cell)), where)
        return _plain(cell[0], row, where) if cell and not isinstance(cell[0], str) else "".join(cell)
    if isinstance(cell, float) and not cell.is_integer():
        raise DataError(
            f"{where(row)}: the label {cell} is a measure, not a class. Labels are names or whole numbers; name "
            f"another column with --label-column."
        )
    if isinstance(cell, bool | int | float):
        return str(int(cell)) if isinstance(cell, float) else str(cell)
    raise DataError(
        f"{where(row)}: the label is a {type(cell).__name__}, not a name. Labels are names or whole numbers; name "
        f"another column with --label-column."
    )


def _refuse_lists(plain: list[str], meaning: dict[str, str], where: Where) -> None:
    """Unpack text that is a list in JSON; refuse what names several classes that are labels by themselves, too."""
    singles = {name for name in meaning.values() if name and not re.search(r"[,;|]", name)}
    for text, name in meaning.items():
        if name.startswith(("[", "{")):
            choices = _choices(name)
            if choices is not None and len(choices) > 1:
                raise _several(plain.index(text), ", ".join(choices), where)
            meaning[text] = name if choices is None else name_of("".join(choices))
        elif re.search(r"[,;|]", name):
            parts = [part.strip() for part in re.split(r"[,;|]", name)]
            if len(parts) > 1 and all(part in singles for part in parts):
                raise _several(plain.index(text), ", ".join(parts), where)


def _choices(text: str) -> list[str] | None:
    """Return the labels of a JSON list or of Label Studio's choices; None for other text."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    value = value.get("choices") if isinstance(value, dict) else value
    return [str(each) for each in value] if isinstance(value, list) else None


def _several(row: int, labels: str, where: Where) -> DataError:
    return DataError(
        f"{where(row)} has several labels ({display_name(labels)}). One label an image is learnt: keep one of them, or "
        f"name another column with --label-column."
    )
