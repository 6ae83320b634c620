"""Amazon SageMaker's lists: MXNet's ``.lst``, and augmented manifests (``.manifest``, JSON lines with ``source-ref``)."""

from pathlib import Path
from typing import Any, final

from imgclf.data.images.names import display_name
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.records_table import read_json_lines, records_table
from imgclf.data.labels.split_words import split_in
from imgclf.data.labels.table import read_table
from imgclf.errors import DataError

_HINT = "A .lst has a number, a label and a path on each line, between tabs."


@final
class SageMaker:
    """A ``.lst`` or an augmented manifest."""

    name = "sagemaker"
    summary = "MXNet's .lst lists and SageMaker's augmented manifests"
    made_with = "their documented forms"
    reads = "number, label and path between tabs; source-ref with a class and its class-name. A split in the file's name."
    leaves_out = "Objects on s3: they are looked for by their names in the manifest's folder."
    rank = 30

    def recognises(self, path: Path) -> bool:
        """Say whether it is a file of one of the two endings."""
        return path.is_file() and path.suffix.lower() in (".lst", ".manifest")

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return its lines."""
        split = split_in(path.stem) or "train"
        rows = (
            _list_rows(path) if path.suffix.lower() == ".lst" else map(_manifest_row, read_json_lines(path))
        )
        records = [{**row, "split": split} for row in rows]
        return read_table(records_table(records, path.parent, display_name(path)), self.name, wishes, _HINT)


def _list_rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            cells = line.split("\t")
            if len(cells) < 3:
                raise DataError(
                    f"{display_name(path)}, line {number}: expected a number, a label and a path between tabs, got "
                    f"'{display_name(line[:60])}'."
                )
            labels = [float(cell) if _is_number(cell) else cell for cell in cells[1:-1]]
            rows.append({"path": cells[-1], "label": labels})
    return rows


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).removeprefix("-").isdecimal()


def _manifest_row(record: dict[str, Any]) -> dict[str, Any]:
    """Return the image and the class: its name where the metadata has it."""
    named = (
        (key.removesuffix("-metadata"), value)
        for key, value in record.items()
        if key.endswith("-metadata") and isinstance(value, dict)
    )
    key, metadata = next(named, ("class", {}))
    return {"path": record.get("source-ref", ""), "label": metadata.get("class-name", record.get(key))}
