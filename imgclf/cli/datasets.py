"""``imgclf datasets``: what `--data` takes by name."""

from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from imgclf.cli import render
from imgclf.cli.options import DataDirOption, Said

if TYPE_CHECKING:
    from imgclf.data import DatasetListing


_WIDE = 120


def datasets(data_dir: DataDirOption = None, *, said: Said) -> None:
    """List the datasets: classes, sizes, licence, whether on disk.

    --data also takes a folder of images, a CSV or Parquet manifest, tar or Parquet shards, and hf:OWNER/NAME.
    --verbose adds what each dataset is and where it comes from.

    Example: imgclf datasets --data-dir ~/datasets
    """
    from imgclf.data import data_root, list_datasets

    found = list_datasets(data_dir)
    if said.json:
        render.json_data([_plain(listing) for listing in found])
        return
    columns = ("name", "classes", "train/val/test", "on disk", "licence", "what it is")
    # On a terminal of 80 columns the last one would fold every row; --verbose says it there.
    shown = len(columns) if get_terminal_size((_WIDE, 24)).columns >= _WIDE else len(columns) - 1
    render.table(columns[:shown], [_row(listing)[:shown] for listing in found])
    for listing in found:
        info = listing.info
        render.detail(f"{info.name}: {info.summary}. Source: {info.source}. Package: {listing.package}.")
        if listing.error:
            render.warning(listing.error)
    render.message(f"Downloads live in {data_root(data_dir)} (--data-dir or IMGCLF_DATA_DIR changes that).")
    render.next_command("imgclf train --data NAME")


def _row(listing: "DatasetListing") -> tuple[Any, ...]:
    info = listing.info
    classes = len(info.class_names) or info.class_count or None
    sizes = (
        "/".join(_short(info.splits.get(split, 0)) for split in ("train", "val", "test"))
        if info.splits
        else None
    )
    here = "broken" if listing.error else _here(listing)
    return info.name, classes, sizes, here, info.licence, info.summary


def _here(listing: "DatasetListing") -> str | None:
    """Say whether the dataset is on disk, and if not how large the download is; nothing of a way of reading."""
    if not listing.info.splits:
        return None
    if listing.on_disk:
        return "yes"
    if listing.info.manual:
        return "by hand"
    size = listing.info.download_bytes
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def _short(count: int) -> str:
    """Return a count that fits a narrow column: 355, 9.5k, 50k, 1.3M; "-" for none."""
    if count < 1000:
        return str(count) if count else "-"
    number, unit = (count / 1000, "k") if count < 1_000_000 else (count / 1e6, "M")
    return (f"{number:.1f}".removesuffix(".0") if number < 10 else f"{number:.0f}") + unit


def _plain(listing: "DatasetListing") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        **asdict(listing.info),
        "class_count": len(listing.info.class_names) or listing.info.class_count,
        "on_disk": listing.on_disk,
        "package": listing.package,
        "error": listing.error,
    }
