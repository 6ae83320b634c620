"""datumaro's own JSON: ``annotations/SUBSET.json`` with items and label categories, images in ``images/SUBSET/``."""

from pathlib import Path
from typing import Any, final

from imgclf.data.images.names import display_name
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.records_table import json_or_none, read_json, records_table
from imgclf.data.labels.split_words import split_in
from imgclf.data.labels.table import read_table

_HINT = "Each item has one annotation of the type label, of at least two labels."


@final
class Datumaro:
    """A folder that datumaro exported in its own format."""

    name = "datumaro"
    summary = "datumaro's own JSON, with annotations/ and images/"
    made_with = "its documented form"
    reads = "Label annotations of every subset; a subset's name says the split."
    leaves_out = "Boxes, masks and captions; items without a label are counted, those of several refused."
    rank = 30

    def recognises(self, path: Path) -> bool:
        """Say whether ``annotations/`` holds such a file."""
        return path.is_dir() and bool(_files(path))

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the items of all subsets."""
        records = [record for file in _files(path) for record in _records(file)]
        return read_table(records_table(records, path, display_name(path)), self.name, wishes, _HINT)


def _files(folder: Path) -> list[Path]:
    found = sorted((folder / "annotations").glob("*.json"))
    contents = [(file, json_or_none(file)) for file in found]
    return [
        file
        for file, content in contents
        if isinstance(content, dict) and {"items", "categories"} <= content.keys()
    ]


def _records(file: Path) -> list[dict[str, Any]]:
    content = read_json(file)
    names = [label["name"] for label in content["categories"]["label"]["labels"]]
    return [
        {
            "path": _path(item, file.stem),
            "label": [
                names[each["label_id"]] for each in item.get("annotations", ()) if each.get("type") == "label"
            ],
            "split": split_in(file.stem) or "train",
        }
        for item in content["items"]
    ]


def _path(item: dict[str, Any], subset: str) -> str:
    """Return where an item's image lies: an export with images has them in the folder of the subset."""
    return f"images/{subset}/{item.get('image', {}).get('path') or item['id']}"
