"""COCO's JSON (images, annotations, categories), COCO Camera Traps included: the category of an image's annotations.

Images are looked for beside the file, in the folder above ``annotations/``, and in ``images/``. Images of one sequence
(``seq_id`` of camera traps) stay in one split.
"""

from pathlib import Path
from typing import Any, final

from imgclf.data.images.names import display_name
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.records_table import json_or_none, read_json, records_table
from imgclf.data.labels.split_words import split_in
from imgclf.data.labels.table import read_table

_HINT = "Each image has annotations of one category, of at least two."


@final
class Coco:
    """A COCO file whose images show one category each."""

    name = "coco"
    summary = "COCO's JSON with categories, also of camera traps"
    made_with = "its documented form"
    reads = "The one category of an image's annotations; sequences as groups; a split in the file's name."
    leaves_out = (
        "Boxes and masks; images without annotations are counted, those of several categories refused."
    )
    rank = 30

    def recognises(self, path: Path) -> bool:
        """Say whether it is JSON with images, annotations and categories."""
        content = json_or_none(path)
        return isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys()

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the images."""
        content = read_json(path)
        folder = path.parent.parent if path.parent.name.lower() == "annotations" else path.parent
        table = records_table(_records(content, split_in(path.stem)), folder, display_name(path))
        return read_table(table, self.name, wishes, _HINT)


def _records(content: dict[str, Any], split: str | None) -> list[dict[str, Any]]:
    names = {category["id"]: category["name"] for category in content["categories"]}
    found: dict[Any, dict[str, None]] = {}
    for annotation in content["annotations"]:
        found.setdefault(annotation["image_id"], {})[names[annotation["category_id"]]] = None
    return [
        {
            "path": image["file_name"],
            "label": list(found.get(image["id"], ())),
            "split": split or "train",
            "group": image.get("seq_id", ""),
        }
        for image in content["images"]
    ]
