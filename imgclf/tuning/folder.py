"""The folder of a search.

searches/2026-11-21-143000-digits/
search.toml         recipe, space, pruner and number of trials
study.db            the Optuna study (SQLite)
trials.csv          one row a trial
best.toml           the best trial's recipe, for imgclf train --recipe
trials/0007/        a trial's run; only the best keeps its model
figures/*.png  report.html
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from imgclf.errors import RunError
from imgclf.folders import dated, last_part
from imgclf.runs import Run

DEFAULT_PARENT = Path("searches")
_HEAVY = ("model.safetensors", "last.ckpt", "splits.csv")


@dataclass(frozen=True)
class SearchFolder:
    """A search's folder and the names of what is in it."""

    path: Path

    @property
    def settings(self) -> Path:
        """What the search was begun with."""
        return self.path / "search.toml"

    @property
    def study(self) -> Path:
        """The Optuna study."""
        return self.path / "study.db"

    @property
    def table(self) -> Path:
        """One row a trial."""
        return self.path / "trials.csv"

    @property
    def recipe(self) -> Path:
        """The best trial's recipe."""
        return self.path / "best.toml"

    @property
    def report(self) -> Path:
        """Everything on one page."""
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        """The folder of pictures."""
        return self.path / "figures"

    @property
    def unfinished(self) -> Path:
        """Where a trial's run stands while it trains."""
        return self.path / "trials" / "unfinished"

    def run(self, number: int) -> Run:
        """The run of a trial that is over."""
        return Run(self.path / "trials" / f"{number:04d}")

    def clear_unfinished(self) -> None:
        """Remove what a trial that was cut short left."""
        shutil.rmtree(self.unfinished, ignore_errors=True)

    def settle(self, number: int) -> Run | None:
        """Move the run that has just ended to its place; None where it never began."""
        made = sorted(self.unfinished.iterdir()) if self.unfinished.is_dir() else []
        run = self.run(number)
        if made:
            shutil.rmtree(run.path, ignore_errors=True)
            made[-1].rename(run.path)
        self.clear_unfinished()
        return run if made else None

    def slim(self, number: int) -> None:
        """Remove the heavy part of a run: model, checkpoint, list of images, pictures and examples."""
        run = self.run(number)
        for name in _HEAVY:
            (run.path / name).unlink(missing_ok=True)
        for folder in (run.figures, run.path / "examples"):
            shutil.rmtree(folder, ignore_errors=True)


def new_folder(dataset: str) -> SearchFolder:
    """Return a folder in ``searches/`` that is named after the time and the dataset."""
    return SearchFolder(DEFAULT_PARENT / dated(last_part(dataset)))


def open_folder(path: Path) -> SearchFolder:
    """Open the folder of an earlier search, by its path or its name inside ``searches/``.

    Raises:
        RunError: there is no search.
    """
    for candidate in (path, DEFAULT_PARENT / path):
        if (folder := SearchFolder(candidate)).settings.is_file():
            return folder
    raise RunError(
        f"There is no search in '{path}' (no search.toml). Begin one with: imgclf tune --out {path}"
    )
