"""A training run from start to end: open the data, prepare, launch the loop, finish the run directory."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import tomli_w

from imgclf.atomic import write_text
from imgclf.data import Dataset, Splits, make_splits, open_dataset, split_rows, wishes_of
from imgclf.data.shards.shard_files import absolute_pattern, is_pattern
from imgclf.errors import DataError, RunError, StoppedError, UsageError
from imgclf.figures import training_curves
from imgclf.inference.runtimes import keep_graph
from imgclf.models import choose_device, classifier_from_header
from imgclf.plugins import DATASETS, plugin_entry_points
from imgclf.recipes import Config
from imgclf.records import EpochRecord, ModelHeader
from imgclf.runs import DEFAULT_PARENT, Run, create_run
from imgclf.runs.kept_images import keep_examples
from imgclf.training.changes import (
    changes_between,
    check_changes,
    check_goes_on,
    keep_settled,
    told,
    trained_config,
    with_changes,
)
from imgclf.training.checkpoint import load_checkpoint, remove_unfinished
from imgclf.training.launch import launch
from imgclf.training.losses import check_loss
from imgclf.training.preparation import prepare
from imgclf.training.provenance import dataset_fingerprint, environment
from imgclf.training.reporter import Reporter, SilentReporter
from imgclf.training.torchrun import Group, as_started, joined
from imgclf.training.work import Job, Outcome, work

JobBeginning: TypeAlias = "partial[Job]"
"""A job that lacks only the images, which every process opens for itself."""


@dataclass(frozen=True)
class TrainResult:
    """What a run came to.

    Attributes:
        run: the run directory.
        best: the epoch whose weights are in the model file.
        history: every epoch.
        seconds: of training and validation, those before a resume included.
        stopped_early: whether patience ran out.
    """

    run: Run
    best: EpochRecord
    history: tuple[EpochRecord, ...]
    seconds: float
    stopped_early: bool


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

    def begin(config: Config, splits: Splits, class_names: tuple[str, ...]) -> JobBeginning:
        preparation = prepare(config, splits, class_names)
        for note in preparation.notes:
            reporter.message(note)
        run = create_run(out, preparation.config.model.name, config.data.dataset)
        provenance = _write_origin(run, preparation.config, splits, class_names)
        package = preparation.classifier.package
        provenance["model_package"] = None if package in ("timm", "imgclf") else package
        header = replace(preparation.header, provenance=provenance)
        return partial(
            Job, run, preparation.config, header=header, classifier=preparation.classifier, data_dir=data_dir
        )

    return _run_together(lambda: _with_absolute_paths(config), begin, data_dir, reporter)


def resume(
    run: Run, config: Config, *, data_dir: Path | None = None, reporter: Reporter | None = None
) -> TrainResult:
    """Continue a stopped run from its checkpoint.

    Args:
        run: the run to continue.
        config: the run's own config, with the changes that ``imgclf.training.changes`` allows.
        data_dir: where registered datasets live.
        reporter: told sentences, progress and epochs while it runs.

    Raises:
        RunError: there is nothing to resume; the classes, the images or the architecture are others now; or a setting
            has changed that cannot.
    """
    reporter = reporter or SilentReporter()
    header: ModelHeader
    trained: dict[str, Any]
    before: Config

    def plan() -> Config:
        nonlocal header, trained, before
        state = load_checkpoint(run.checkpoint)
        header, trained = ModelHeader.from_dict(json.loads(state["header"])), state["trainer"]
        before = trained_config(header.provenance)
        settled = keep_settled(before, _with_absolute_paths(config))
        choose_device(settled.hardware.device)
        check_changes(run, changes_between(before, settled), trained["epoch"], trained["step"])
        check_loss(settled.loss, len(header.class_names), mixing=settled.augment.mixes)
        check_goes_on(run, settled, trained, state["history"])
        return settled

    def begin(config: Config, splits: Splits, class_names: tuple[str, ...]) -> JobBeginning:
        _check_same_data(run, splits, class_names, header)
        remove_unfinished(run.path)
        classifier = classifier_from_header(header, trained["model"])
        reporter.message(f"Resuming {run.path} in epoch {trained['epoch'] + 1}, step {trained['step']}.")
        changes = changes_between(before, config)
        for sentence in told(changes, config):
            reporter.message(sentence)
        if changes:
            write_text(run.config, tomli_w.dumps(config.to_toml_dict()))
        changed = replace(
            header, provenance=with_changes(header.provenance, changes, config, trained["epoch"])
        )
        return partial(
            Job, run, config, header=changed, classifier=classifier, resume=True, data_dir=data_dir
        )

    return _run_together(plan, begin, data_dir, reporter)


def follow(*, data_dir: Path | None = None) -> TrainResult:
    """Take part in what the first process trains or resumes; for the others that torchrun started.

    Args:
        data_dir: where registered datasets live on this machine.

    Raises:
        ImgclfError: as in the first process.
    """

    def nothing(*_: Any) -> Any:
        raise UsageError("follow() is for the processes of torchrun other than the first: call train().")

    return _run_together(nothing, nothing, data_dir, SilentReporter())


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
        reporter.message(f"Warning: {warning}")
    return splits, dataset.class_names


def check_same_everywhere(group: Group, config: Config, splits: Splits, class_names: tuple[str, ...]) -> None:
    """Make sure that every process found the same images in the same order: each takes its share by position."""

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


def _with_absolute_paths(config: Config) -> Config:
    """Make a folder's name absolute, so that the run can be resumed and repeated from anywhere."""
    spec = config.data.dataset
    if is_pattern(spec):
        data = config.data.model_copy(update={"dataset": absolute_pattern(spec)})
        return config.model_copy(update={"data": data})
    if spec in plugin_entry_points(DATASETS) or not Path(spec).expanduser().exists():
        return config
    data = config.data.model_copy(update={"dataset": str(Path(spec).expanduser().resolve())})
    return config.model_copy(update={"data": data})


def _run_together(
    plan: Callable[[], Config],
    begin: Callable[[Config, Splits, tuple[str, ...]], JobBeginning],
    data_dir: Path | None,
    reporter: Reporter,
) -> TrainResult:
    """Run a job with the other processes of torchrun, if there are any.

    Args:
        plan: called in the first process; gives the config, whose dataset each process then opens for itself.
        begin: called in the first process; gives the job without the images.
        data_dir: where registered datasets live.
        reporter: of the first process.
    """
    with joined() as group:
        reporter = reporter if group.first else SilentReporter()
        config = group.from_first(lambda: _as_started(plan()))
        splits, class_names = group.in_all(lambda: open_splits(config, data_dir, reporter))
        check_same_everywhere(group, config, splits, class_names)
        job = group.from_first(lambda: begin(config, splits, class_names))(splits=splits)
        outcome = _run_job(job, reporter) if group.first else launch(job.config.hardware, reporter, work, job)
    return TrainResult(job.run, outcome.best, outcome.history, outcome.seconds, outcome.stopped_early)


def _as_started(config: Config) -> Config:
    return config.model_copy(update={"hardware": as_started(config.hardware)})


def _run_job(job: Job, reporter: Reporter) -> Outcome:
    """Launch the loop and keep the run's status."""
    job.run.update_metrics({"status": "running"})
    try:
        outcome = launch(job.config.hardware, reporter, work, job)
    except StoppedError:
        raise  # The work has written its own status.
    except BaseException:
        job.run.update_metrics({"status": "failed"})
        raise
    _finish(job.run, outcome)
    return outcome


def _finish(run: Run, outcome: Outcome) -> None:
    run.update_metrics(
        {
            "status": "finished",
            "epochs": len(outcome.history),
            "best": outcome.best.to_dict(),
            "seconds": round(outcome.seconds, 1),
            "stopped_early": outcome.stopped_early,
        }
    )
    training_curves([record.to_dict() for record in outcome.history], run.figures / "curves.png")
    keep_graph(run.model_file)


def _write_origin(run: Run, config: Config, splits: Splits, class_names: tuple[str, ...]) -> dict[str, Any]:
    """Write config, environment and split into the run; return the provenance for the model file."""
    rows = list(split_rows(splits, class_names))
    surroundings = environment()
    dataset = {
        "name": config.data.dataset,
        "fingerprint": dataset_fingerprint(rows),
        "images": {"train": len(splits.train), "val": len(splits.val), "test": len(splits.test or ())},
    }
    write_text(run.config, tomli_w.dumps(config.to_toml_dict()))
    run.write_json("environment.json", {**surroundings, "dataset": dataset})
    run.write_csv("splits.csv", ("file", "label", "split"), rows)
    keep_examples(run, splits.val if splits.test is None else splits.test, class_names)
    return {
        "environment": surroundings,
        "dataset": dataset,
        "config": config.to_toml_dict(),
    }


def _check_same_data(run: Run, splits: Splits, class_names: tuple[str, ...], header: ModelHeader) -> None:
    if class_names != header.class_names:
        raise RunError(
            f"{run.path}: its classes are {', '.join(header.class_names[:10])}; the data now has "
            f"{', '.join(class_names[:10])}. A run is resumed with the classes it began with; for others start a new "
            f"one: imgclf train --weights {run.model_file}"
        )
    if dataset_fingerprint(split_rows(splits, class_names)) != header.provenance["dataset"]["fingerprint"]:
        raise RunError(
            f"{run.path}: the images, their labels or their split are not those that it began with (its own are in "
            f"{run.splits}). Bring them back, or start a new run: imgclf train --weights {run.model_file}"
        )
