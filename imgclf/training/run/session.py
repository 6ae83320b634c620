"""A training run from start to end: plan, open the images, begin, launch the loop, finish the run directory.

    start.plan() -> open_splits() -> start.begin() -> launch(work) -> finish

With several processes under torchrun the first one plans and begins; all open the images, and all work.
"""

from pathlib import Path

from imgclf.data import Dataset, Splits, make_splits, open_dataset, split_rows, wishes_of
from imgclf.errors import DataError, StoppedError
from imgclf.figures import training_curves
from imgclf.inference import keep_graph
from imgclf.recipes import Config
from imgclf.runs import DEFAULT_PARENT, Run
from imgclf.training.processes.launch import launch
from imgclf.training.processes.torchrun import Group, as_started, joined
from imgclf.training.reporter import Reporter, SilentReporter
from imgclf.training.run.provenance import dataset_fingerprint
from imgclf.training.run.starts import Following, NewRun, ResumedRun, Start
from imgclf.training.run.work import Job, TrainResult, work


def train(
    config: Config,
    *,
    out: Path = DEFAULT_PARENT,
    data_dir: Path | None = None,
    reporter: Reporter | None = None,
) -> TrainResult:
    """Train a model and write a run directory.

    Args:
        config: what to train on what, and how.
        out: the parent of the run directory.
        data_dir: where registered datasets live; None is the user's cache directory.
        reporter: told sentences, progress and epochs while it runs.

    Returns:
        The run and its history.

    Raises:
        ImgclfError: of the kind that fits; see ``imgclf.errors``.
    """
    reporter = reporter or SilentReporter()
    with joined() as group:
        return _run_together(group, NewRun(config, out, data_dir, reporter), data_dir, reporter)


def resume(
    run: Run, config: Config, *, data_dir: Path | None = None, reporter: Reporter | None = None
) -> TrainResult:
    """Continue a stopped run from its checkpoint.

    Args:
        run: the run to continue.
        config: the run's own config, with the changes that ``imgclf.training.run.changes`` allows.
        data_dir: where registered datasets live.
        reporter: told sentences, progress and epochs while it runs.

    Raises:
        RunError: there is nothing to resume; the classes, the images or the architecture are others now; or a setting
            has changed that cannot.
    """
    reporter = reporter or SilentReporter()
    with joined() as group:
        return _run_together(group, ResumedRun(run, config, data_dir, reporter), data_dir, reporter)


def follow(*, data_dir: Path | None = None) -> TrainResult:
    """Take part in what the first process trains or resumes; for the others that torchrun started.

    Args:
        data_dir: where registered datasets live on this machine.

    Raises:
        ImgclfError: as in the first process.
    """
    with joined() as group:
        return _run_together(group, Following(), data_dir, SilentReporter())


def open_splits(config: Config, data_dir: Path | None, reporter: Reporter) -> tuple[Splits, tuple[str, ...]]:
    """Open the config's dataset, divide it, tell what is odd about it; return the splits and the class names."""
    dataset: Dataset = open_dataset(
        config.data.dataset, data_dir, wishes=wishes_of(config.data), progress=reporter.progress
    )
    splits = make_splits(
        dataset,
        val_fraction=config.data.val_fraction,
        val_from=config.data.val_from,
        seed=config.training.seed,
    )
    if dataset.taken is not None:
        reporter.message(dataset.taken.sentence())
    for warning in (*dataset.warnings, *splits.warnings):
        reporter.warning(warning)
    return splits, dataset.class_names


def check_same_everywhere(group: Group, config: Config, splits: Splits, class_names: tuple[str, ...]) -> None:
    """Make sure that every process found the same images in the same order: each takes its share by position."""
    if group.alone:
        return

    def fingerprint() -> str:
        rows = enumerate(split_rows(splits, class_names))
        return dataset_fingerprint((f"{place} {file}", label, split) for place, (file, label, split) in rows)

    first = group.from_first(fingerprint)

    def check() -> None:
        if fingerprint() != first:
            raise DataError(
                f"'{config.data.dataset}' holds other images here than on the first machine. Copy the data from there."
            )

    group.in_all(check)


def _run_together(group: Group, start: Start, data_dir: Path | None, reporter: Reporter) -> TrainResult:
    """Run a job with the other processes of torchrun, if there are any.

    Args:
        group: the processes.
        start: plans and begins, in the first process.
        data_dir: where registered datasets live.
        reporter: of the first process.
    """
    reporter = reporter if group.first else SilentReporter()
    config = group.from_first(lambda: _as_started(start.plan()))
    splits, class_names = group.in_all(lambda: open_splits(config, data_dir, reporter))
    check_same_everywhere(group, config, splits, class_names)
    job = group.from_first(lambda: start.begin(config, splits, class_names))
    if not group.first:
        return launch(job.config.hardware, reporter, work, job, splits)
    return _run_job(job, splits, reporter)


def _as_started(config: Config) -> Config:
    return config.model_copy(update={"hardware": as_started(config.hardware)})


def _run_job(job: Job, splits: Splits, reporter: Reporter) -> TrainResult:
    """Launch the loop and keep the run's status."""
    job.run.update_metrics({"status": "running"})
    try:
        result = launch(job.config.hardware, reporter, work, job, splits)
    except StoppedError:
        raise  # The work has written its own status.
    except BaseException:
        job.run.update_metrics({"status": "failed"})
        raise
    _finish(job.run, result)
    return result


def _finish(run: Run, result: TrainResult) -> None:
    run.update_metrics(
        {
            "status": "finished",
            "epochs": len(result.history),
            "best": result.best.to_dict(),
            "seconds": round(result.seconds, 1),
            "stopped_early": result.stopped_early,
        }
    )
    training_curves([record.to_dict() for record in result.history], run.figures / "curves.png")
    keep_graph(run.model_file)
