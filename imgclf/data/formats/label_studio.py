"""Label Studio's JSON and JSON-MIN exports; its CSV and TSV are manifests.

An image may be a file, ``/data/upload/1/abc-name.jpg`` or ``/data/local-files/?d=photos/name.jpg``: it is looked for
below the export's folder, by what follows ``?d=``, else by its name.
"""

from pathlib import Path
from typing import Any, final

from imgclf.data.images.names import display_name
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.records_table import json_or_none, read_json, records_table
from imgclf.data.labels.table import read_table

_HINT = "An export of an image classification project has one choice for each image, of at least two."


@final
class LabelStudio:
    """A Label Studio export."""

    name = "label_studio"
    summary = "Label Studio's JSON or JSON-MIN export of choices"
    made_with = "its documented form"
    reads = (
        "One choice per image: of the first annotation that was not cancelled; tasks without one are counted."
    )
    leaves_out = "Predictions; several choices an image are refused."
    rank = 30

    def recognises(self, path: Path) -> bool:
        """Say whether it is a JSON list of tasks."""
        tasks = json_or_none(path)
        return (
            isinstance(tasks, list)
            and bool(tasks)
            and isinstance(tasks[0], dict)
            and (
                ("annotations" in tasks[0] and "data" in tasks[0])
                or ("choice" in tasks[0] and "id" in tasks[0])
            )
        )

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the tasks."""
        records = [_record(task) for task in read_json(path)]
        return read_table(records_table(records, path.parent, display_name(path)), self.name, wishes, _HINT)


def _record(task: dict[str, Any]) -> dict[str, Any]:
    if "data" not in task:
        return {"image": _image(task), "label": task.get("choice")}
    return {"image": _image(task["data"]), "label": _choices(task)}


def _image(data: dict[str, Any]) -> str:
    """Return the image's address: the field called image, else the first text that looks like a path."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    return texts.get("image") or next((value for value in texts.values() if "/" in value or "." in value), "")


def _choices(task: dict[str, Any]) -> list[str]:
    for annotation in task["annotations"]:
        if not annotation.get("was_cancelled"):
            for result in annotation.get("result", ()):
                if result.get("type") == "choices":
                    return list(result["value"]["choices"])
    return []
