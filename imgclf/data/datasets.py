"""Open what ``--data`` names: a registered dataset, a folder, a manifest or ``hf:OWNER/NAME``."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.data.examples import Dataset, Examples
from imgclf.data.fetching.huggingface import open_hub
from imgclf.data.fetching.location import data_root
from imgclf.data.formats.tar_shards import open_tar_shards
from imgclf.data.images.names import display_name
from imgclf.data.label_format import FORMATS, label_formats
from imgclf.data.labels.reading import Wishes
from imgclf.data.paths import open_path, open_with
from imgclf.data.plugin import DatasetPlugin, DatasetReader, as_examples
from imgclf.data.shards.shard_files import is_pattern
from imgclf.errors import DataError, ImgclfError, PluginError, suggest
from imgclf.plugins import DATASETS, load_point, package_of, plugin_entry_points
from imgclf.records import DatasetInfo, OnProgress


def open_dataset(
    spec: str,
    data_dir: Path | None = None,
    *,
    download: bool = True,
    wishes: Wishes = Wishes(),  # noqa: B008 - frozen
    progress: OnProgress = None,
) -> Dataset:
    """Open a dataset.

    Args:
        spec: a registered name (``cifar10``), a folder or file of a label format (a folder of images, a manifest,
            shards; see ``imgclf datasets``), a format with its path (``image_folder:photos``), a pattern of tar
            shards (``train-{00..31}.tar``, also http(s) addresses), or ``hf:OWNER/NAME``. A registered name wins over
            a folder of that name; ``./digits`` is the folder.
        data_dir: where registered datasets live; by default ``IMGCLF_DATA_DIR`` or the user's cache directory.
        download: fetch what is missing; without it, what is missing is an error.
        wishes: how a path is read, where there are several ways.
        progress: told how far a download is.

    Raises:
        DataError: there is no such dataset, or it cannot be used.
        DownloadError: it could not be fetched.
        PluginError: the plugin of that name is broken.
    """
    root = data_root(data_dir)
    if spec.startswith("hf:"):
        return open_hub(spec.removeprefix("hf:"), root, download=download, wishes=wishes, progress=progress)
    names = plugin_entry_points(DATASETS)
    name, colon, place = spec.partition(":")
    if spec in names:
        return _open_plugin(names[spec], root, download, progress)
    path = Path(spec).expanduser()
    if path.exists():
        return open_path(path, wishes)
    if is_pattern(spec):
        return open_tar_shards(spec, progress=progress)
    if colon and name in names:
        return _open_plugin(names[name], Path(place).expanduser(), download, progress)
    if name in FORMATS.names():
        return open_with(FORMATS.load(name), Path(place).expanduser() if colon else root, wishes)
    raise DataError(
        f"Unknown dataset '{display_name(spec)}': there is neither a registered dataset nor a folder or file of that "
        f"name.{suggest(spec, names)} Registered: {', '.join(names)}. To use your own images, give a folder with one "
        f"folder per class."
    )


@dataclass(frozen=True)
class DatasetListing:
    """One line of ``imgclf datasets``.

    Attributes:
        info: what the plugin says of itself; only the name where it is broken.
        on_disk: whether it can be opened without a download.
        package: "package version" that declares it.
        error: why the plugin does not load, else an empty string.
    """

    info: DatasetInfo
    on_disk: bool
    package: str
    error: str = ""


def list_datasets(data_dir: Path | None = None) -> list[DatasetListing]:
    """Return every registered dataset by name, then every label format; a broken plugin is listed with its error."""
    root = data_root(data_dir)
    points = plugin_entry_points(FORMATS.group)
    formats = [
        DatasetListing(
            DatasetInfo(name=one.name, summary=one.summary, licence="your files", source="your own"),
            on_disk=False,
            package=package_of(points[one.name]),
        )
        for one in label_formats()
    ]
    return [*(_listing(point, root) for point in plugin_entry_points(DATASETS).values()), *formats]


def _listing(point: EntryPoint, root: Path) -> DatasetListing:
    try:
        plugin = _plugin(point)
        return DatasetListing(plugin.info, plugin.is_on_disk(root), package_of(point))
    except Exception as error:  # A plugin is foreign code; one that fails must not hide the others.
        text = str(error) if isinstance(error, ImgclfError) else f"{type(error).__name__}: {error}"
        info = DatasetInfo(name=point.name, summary="The plugin is broken")
        return DatasetListing(info, on_disk=False, package=package_of(point), error=text)


def _plugin(point: EntryPoint) -> DatasetPlugin | DatasetReader:
    """Return the plugin that an entry point names, an instance where it names a class."""
    loaded: Any = load_point(point)
    try:
        plugin = loaded() if isinstance(loaded, type) else loaded
    except Exception as error:
        raise PluginError(
            f"The dataset plugin '{point.name}' of package {package_of(point)} could not be created: "
            f"{type(error).__name__}: {error}. A plugin class takes no arguments."
        ) from error
    if not isinstance(plugin, DatasetPlugin | DatasetReader) or not isinstance(plugin.info, DatasetInfo):
        raise PluginError(
            f"The dataset plugin '{point.name}' of package {package_of(point)} is no dataset: it needs `info` "
            f"(a DatasetInfo), `is_on_disk(root)`, `download(root, progress)` and `load(root, split)`."
        )
    if plugin.info.name != point.name:
        raise PluginError(
            f"The dataset plugin '{point.name}' of package {package_of(point)} calls itself '{plugin.info.name}'. Its "
            f"entry point and its info must agree on the name."
        )
    return plugin


def _open_plugin(point: EntryPoint, root: Path, download: bool, progress: OnProgress) -> Dataset:
    plugin = _plugin(point)
    if isinstance(plugin, DatasetReader):
        return plugin.open(root, download=download, progress=progress)
    if not plugin.is_on_disk(root):
        _fetch(plugin, root, download, progress)
    splits = {split: _load(plugin, root, split) for split in plugin.info.splits}
    return Dataset(info=plugin.info, class_names=plugin.info.class_names, splits=splits)


def _load(plugin: DatasetPlugin, root: Path, split: str) -> Examples:
    name, classes = plugin.info.name, len(plugin.info.class_names)
    examples = as_examples(plugin.load(root, split), name, split)
    wrong = np.flatnonzero((examples.labels < 0) | (examples.labels >= classes))
    if len(wrong):
        raise DataError(
            f"The dataset '{name}' gave the label {examples.labels[wrong[0]]} for {examples.files[wrong[0]]}, but it has "
            f"{classes} classes (0 to {classes - 1}). Report this to its author."
        )
    return examples


def _fetch(plugin: DatasetPlugin, root: Path, download: bool, progress: OnProgress) -> None:
    if plugin.info.manual:
        raise DataError(f"'{plugin.info.name}' is not in {root}. {plugin.info.manual}")
    if not download:
        raise DataError(
            f"'{plugin.info.name}' is not in {root} and downloading is off. Allow it, or name the folder that has it "
            f"with --data-dir."
        )
    plugin.download(root, progress)
