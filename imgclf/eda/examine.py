"""Look at a dataset before training: measure, check, draw, and write it all down."""

import time
from collections.abc import Callable
from pathlib import Path

from imgclf.atomic import write_json, write_text
from imgclf.data import Dataset, Wishes, open_dataset
from imgclf.eda.checks.findings import Check
from imgclf.eda.checks.lookalikes import MAX_DISTANCE
from imgclf.eda.checks.run import run_checks
from imgclf.eda.facts.counts import count_classes
from imgclf.eda.facts.crop import crop_facts
from imgclf.eda.facts.pixels import pixel_facts
from imgclf.eda.measuring.survey import Survey, survey
from imgclf.eda.page.augmented import augmented_rows
from imgclf.eda.page.page import eda_page
from imgclf.eda.page.pictures import draw_figures
from imgclf.eda.page.samples import drawn_samples
from imgclf.eda.report import EdaReport
from imgclf.eda.table import write_files_csv
from imgclf.folders import dated, make_folder, new_folder, safe_name
from imgclf.recipes import Config
from imgclf.records import OnProgress, Progress


def eda(  # noqa: PLR0913 - what a person can choose, one argument each
    data: str | Dataset,
    *,
    out: Path | None = None,
    data_dir: Path | None = None,
    wishes: Wishes = Wishes(),  # noqa: B008 - frozen
    recipe: Config | None = None,
    samples: int = 8,
    seed: int = 0,
    max_distance: int = MAX_DISTANCE,
    use_cache: bool = True,
    progress: OnProgress = None,
) -> EdaReport:
    """Look at every image of a dataset and write ``report.html``, ``summary.json``, ``files.csv`` and figures.

    The dataset itself is only read.

    Args:
        data: a dataset, or what ``--data`` takes.
        out: the folder to write to; by default a new ``eda/<date>-<dataset>/`` in the current folder.
        data_dir: where registered datasets live.
        wishes: how a folder or file is read, where there are several ways.
        recipe: whose augmentation and evaluation crop to show.
        samples: images per class that are shown.
        seed: of the samples and the augmentation.
        max_distance: of two perceptual hashes that count as near-duplicates, in bits (0 to 16 of 64).
        use_cache: reuse what an earlier look measured on unchanged images.
        progress: told how far it is.

    Raises:
        DataError: there is no such dataset, or ``max_distance`` is out of range.
        RunError: the folder cannot be written to.
    """
    begun, show = time.monotonic(), progress or (lambda _: None)
    dataset = _opened(data, data_dir, wishes, progress)
    folder = out or new_folder(Path("eda") / dated(safe_name(dataset.info.name)))
    make_folder(folder)  # before the work, not after it
    seen = survey(dataset, use_cache=use_cache, progress=progress)
    checks = _compared(seen, max_distance, show)
    counts, pixels, crop = count_classes(seen), pixel_facts(seen), crop_facts(seen, recipe)
    show(Progress("Drawing", done=0, total=None))
    augmented = augmented_rows(seen, recipe.augment, crop.spec, seed) if recipe and crop else {}
    shown = {"samples": drawn_samples(seen, samples, seed) if pixels else {}, "augmented": augmented}
    figures = draw_figures(seen, counts, pixels, crop, folder / "figures", **shown)
    page, summary = folder / "report.html", folder / "summary.json"
    write_text(page, eda_page(seen, counts, pixels, crop, checks, figures, **shown))
    table = write_files_csv(seen, checks, folder / "files.csv")
    show(Progress("Drawing", done=1, total=1))
    report = EdaReport(
        folder=folder,
        survey=seen,
        counts=counts,
        pixels=pixels,
        crop=crop,
        checks=checks,
        files=(page, summary, table, *figures.values()),
        seconds=time.monotonic() - begun,
    )
    write_json(summary, report.to_dict())
    return report


def _opened(data: str | Dataset, data_dir: Path | None, wishes: Wishes, progress: OnProgress) -> Dataset:
    if isinstance(data, Dataset):
        return data
    return open_dataset(data, data_dir, wishes=wishes, progress=progress)


def _compared(seen: Survey, max_distance: int, show: Callable[[Progress], None]) -> tuple[Check, ...]:
    show(Progress("Comparing images", done=0, total=None))
    checks = run_checks(seen, max_distance)
    show(Progress("Comparing images", done=1, total=1))
    return checks
