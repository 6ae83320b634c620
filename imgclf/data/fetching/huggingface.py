"""``hf:OWNER/NAME``: a dataset of the Hugging Face Hub, kept in the data directory.

The repository's Parquet files, images and manifests are fetched once into ``hf/OWNER--NAME``; without any, the
Parquet copy that the Hub itself makes (``refs/convert/parquet``). Code of a repository is never fetched or run.
"""

import os
import re
from dataclasses import replace
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from imgclf.data.examples import Dataset
from imgclf.data.fetching.download import check_reachable
from imgclf.data.images.names import IMAGE_EXTENSIONS, extension
from imgclf.data.labels.reading import Wishes
from imgclf.data.paths import open_path
from imgclf.errors import DataError, DownloadError, MissingExtraError, beneath
from imgclf.records import DatasetInfo, OnProgress, Progress
from imgclf.words import first_line

_CONVERTED = "refs/convert/parquet"
_COMPLETE = ".complete"


def open_hub(
    repository: str,
    root: Path,
    *,
    download: bool = True,
    wishes: Wishes = Wishes(),  # noqa: B008 - frozen
    progress: OnProgress = None,
) -> Dataset:
    """Open a dataset of the Hub, from the data directory once it is there.

    Args:
        repository: ``OWNER/NAME``.
        root: the data directory.
        download: fetch it where it is missing.
        wishes: how its files are read, where there are several ways.
        progress: told how many files have arrived.

    Raises:
        DataError: the name is none, or what the repository holds is no image dataset.
        DownloadError: the Hub cannot be reached, or has no such dataset.
        MissingExtraError: huggingface_hub is not installed.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or ".." in repository:
        raise DataError(
            f"'hf:{repository}' names no dataset of the Hub. Expected hf:OWNER/NAME, such as hf:ylecun/mnist."
        )
    folder = root / "hf" / repository.replace("/", "--")
    if not (folder / _COMPLETE).is_file():
        if not download:
            raise DataError(f"'hf:{repository}' is not in {root} and downloading is off. Allow it.")
        _fetch(repository, folder, progress)
    info = DatasetInfo(
        name=repository.rsplit("/", 1)[-1],
        summary=f"{repository} of the Hugging Face Hub",
        source=f"https://huggingface.co/datasets/{repository}",
    )
    return replace(open_path(folder, wishes), info=info)


def _fetch(repository: str, folder: Path, progress: OnProgress) -> None:
    if find_spec("huggingface_hub") is None:
        raise MissingExtraError(f"The dataset 'hf:{repository}'", "hf")
    import huggingface_hub.errors  # noqa: PLC0415 - an extra

    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise DownloadError(
            f"'hf:{repository}' is not in {folder}, and HF_HUB_OFFLINE forbids to download it. Unset it, or use a folder "
            f"that has the data: --data PATH."
        )
    try:  # The library itself retries for minutes where there is no network.
        check_reachable(os.environ.get("HF_ENDPOINT", "https://huggingface.co"), folder)
    except DownloadError as error:
        raise DownloadError(
            f"'hf:{repository}' is not in {folder}, and the Hugging Face Hub cannot be reached ({first_line(beneath(error, OSError) or error)}). "
            f"Without a network, use a folder that has the data: --data PATH."
        ) from error
    try:
        for revision in ("main", _CONVERTED):
            names = _wanted(_listed(huggingface_hub, repository, revision))
            if names:
                return _fetch_files(huggingface_hub, repository, revision, names, folder, progress)
    except (huggingface_hub.errors.HfHubHTTPError, OSError) as error:
        raise DownloadError(
            f"'hf:{repository}' could not be downloaded: {first_line(error)}. Check the name at https://huggingface.co/datasets; a "
            f"private one needs 'hf auth login'."
        ) from error
    raise DataError(
        f"'hf:{repository}' holds neither Parquet files nor images. Only image datasets can be used."
    )


def _listed(hub: Any, repository: str, revision: str) -> list[str]:
    try:
        return list(hub.list_repo_files(repository, repo_type="dataset", revision=revision))
    except hub.errors.RevisionNotFoundError:  # The Hub converts only some datasets.
        return []


def _fetch_files(
    hub: Any, repository: str, revision: str, names: list[str], folder: Path, progress: OnProgress
) -> None:
    for done, name in enumerate(names, start=1):
        hub.hf_hub_download(repository, name, repo_type="dataset", revision=revision, local_dir=folder)
        if progress:
            progress(Progress(f"Downloading {repository}", done, len(names), name))
    (folder / _COMPLETE).touch()


def _wanted(names: list[str]) -> list[str]:
    """Return the Parquet files of a repository, or else its images and manifests."""
    parquet = [name for name in names if fnmatch(name.lower(), "*.parquet")]
    images = [name for name in names if extension(name) in IMAGE_EXTENSIONS and "/" in name]
    return parquet or ([*images, *(name for name in names if fnmatch(name, "*.csv"))] if images else [])
