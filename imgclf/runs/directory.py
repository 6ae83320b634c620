"""The run directory: the one thing that passes between commands.

runs/2026-11-21-143000-resnet9-digits/
model.safetensors   the best weights with everything needed to predict
last.ckpt           full training state, to resume
config.toml         the resolved config
environment.json    versions, devices, dataset fingerprint
splits.csv          file, label, split
skipped.csv         file, reason (only when something was left out)
history.csv         one row an epoch
metrics.json        results, and status: running, stopped, failed, finished, or pruned by imgclf tune
graph-KEY.onnx      the same network for ONNX Runtime, which computes it on a CPU; KEY is a hash of the weights
examples/           ten images to try the model on, one of each class in turn
figures/*.png       curves by train, the others by evaluate
log.txt             what train said

predictions.csv, report.html, classification_report.txt: written by evaluate
misclassified/      the images of its worst errors
review.csv          its images whose label looks wrong, for imgclf review
explain/, embed/, export/: what those commands write, unless told another place
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgclf.atomic import write_json
from imgclf.errors import RunError
from imgclf.folders import dated, last_part
from imgclf.tables import write_csv

DEFAULT_PARENT = Path("runs")


@dataclass(frozen=True)
class Run:
    """A run directory and the names of what is in it."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def model_file(self) -> Path:
        """The best weights with their header."""
        return self.path / "model.safetensors"

    @property
    def checkpoint(self) -> Path:
        """Full training state."""
        return self.path / "last.ckpt"

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.toml"

    @property
    def history(self) -> Path:
        """One row an epoch."""
        return self.path / "history.csv"

    @property
    def metrics(self) -> Path:
        """Results and status."""
        return self.path / "metrics.json"

    @property
    def splits(self) -> Path:
        """Which file was in which split."""
        return self.path / "splits.csv"

    @property
    def figures(self) -> Path:
        """The folder of pictures."""
        return self.path / "figures"

    def read_metrics(self) -> dict[str, Any]:
        """Return ``metrics.json``, or an empty dictionary where there is none yet."""
        try:
            values: dict[str, Any] = json.loads(self.metrics.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return values

    def update_metrics(self, values: Mapping[str, Any]) -> None:
        """Lay values over ``metrics.json``."""
        self.write_json("metrics.json", {**self.read_metrics(), **values})

    def write_json(self, name: str, values: Mapping[str, Any]) -> Path:
        """Write a JSON file into the run and return its path."""
        path = self.path / name
        write_json(path, values)
        return path

    def write_csv(self, name: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Path:
        """Write a CSV file into the run and return its path."""
        path = self.path / name
        write_csv(path, columns, rows)
        return path


def create_run(parent: Path, model: str, dataset: str) -> Run:
    """Make a new, empty run directory named after the time, the model and the dataset.

    Raises:
        RunError: the parent cannot be written to.
    """
    stem = dated(last_part(model), last_part(dataset))
    names = (stem if attempt == 1 else f"{stem}-{attempt}" for attempt in range(1, 100))
    for name in names:
        path = parent / name
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(
                f"{parent}: a run cannot be written there ({error.strerror}). Choose another folder with --out."
            ) from None
        return Run(path)
    raise RunError(
        f"{parent}: a hundred runs were started in this very second. Wait a second and start again."
    )


def open_run(path: str | Path) -> Run:
    """Open a run by its folder, by its name inside ``runs/``, or by its model file.

    Raises:
        RunError: there is no such run.
    """
    given = Path(path)
    if given.is_file() and given.name == "model.safetensors":
        return Run(given.parent)
    for candidate in (given, DEFAULT_PARENT / given):
        if (candidate / "config.toml").is_file() or (candidate / "model.safetensors").is_file():
            return Run(candidate)
    if given.is_dir():
        raise RunError(f"{given}: a folder, but not a run (no config.toml and no model.safetensors in it).")
    if given.name == "last.ckpt" and given.is_file():
        raise RunError(
            f"{given}: the training state of a run, which only --resume takes. Name the run itself: {given.parent}"
        )
    if given.is_file():
        raise RunError(
            f"{given}: no model that can be opened. Expected a run, its model.safetensors, or a file that imgclf export "
            f"wrote."
        )
    raise RunError(f"There is no run '{given}'.{_known_runs(DEFAULT_PARENT)}")


def latest_run(parent: Path = DEFAULT_PARENT) -> Run:
    """Return the newest finished run in ``parent``; names begin with the time, so the last name is the newest.

    Raises:
        RunError: there is none.
    """
    for run in reversed(list_runs(parent)):
        if run.read_metrics().get("status") == "finished" and run.model_file.is_file():
            return run
    raise RunError(f"There is no finished run in '{parent}'. Train one with: imgclf train")


def list_runs(parent: Path = DEFAULT_PARENT) -> list[Run]:
    """Return the runs in a folder, oldest first."""
    if not parent.is_dir():
        return []
    return [Run(path) for path in sorted(parent.iterdir()) if (path / "config.toml").is_file()]


def _known_runs(parent: Path) -> str:
    names = [run.name for run in list_runs(parent)][-3:]
    return f" The newest in '{parent}': {', '.join(names)}." if names else " Train one with: imgclf train"
