"""FiftyOne's image classification dataset: ``labels.json`` with class names and a label per image of ``data/``."""

from pathlib import Path
from typing import Any, final

from imgclf.data.images.names import display_name
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.records_table import json_or_none, read_json, records_table
from imgclf.data.labels.table import read_table

_HINT = "labels.json has the classes, and a label for each image in data/."


@final
class FiftyOne:
    """A folder with ``labels.json`` and ``data/``, or that file."""

    name = "fiftyone"
    summary = "FiftyOne's FiftyOneImageClassificationDataset: labels.json and data/"
    made_with = "its documented form"
    reads = "Labels as names, numbers or records with a label; images without one are counted."
    leaves_out = "Confidences, attributes and logits; several labels an image are refused."
    rank = 30

    def recognises(self, path: Path) -> bool:
        """Say whether it is such a folder or file."""
        content = json_or_none(_file(path))
        return isinstance(content, dict) and isinstance(content.get("labels"), dict)

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the images."""
        file = _file(path)
        content = read_json(file)
        names = content.get("classes") or []
        records = [
            {"path": f"data/{image}", "label": _label(label, names)}
            for image, label in content["labels"].items()
        ]
        return read_table(records_table(records, file.parent, display_name(file)), self.name, wishes, _HINT)


def _file(path: Path) -> Path:
    return path / "labels.json" if path.is_dir() else path


def _label(label: Any, names: list[str]) -> Any:
    if isinstance(label, dict):
        label = label.get("label")
    if isinstance(label, list):
        return [_label(each, names) for each in label]
    return names[label] if isinstance(label, int) and 0 <= label < len(names) else label
