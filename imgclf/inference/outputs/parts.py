"""Where the parts of an unfinished Parquet file lie."""

from pathlib import Path


def parts_folder(path: Path) -> Path:
    """Return the folder beside the file."""
    return path.with_name(path.name + ".parts")
