"""How a run starts: anew, or from its checkpoint. Each start plans (which config?) and then begins (with which images?).

Both are called in the first process only. Between them every process opens the images of the planned config.
"""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, final

import tomli_w

from imgclf.atomic import write_text
from imgclf.data import Splits, absolute_pattern, is_pattern, split_rows
from imgclf.errors import RunError, UsageError
from imgclf.models import choose_device, classifier_from_header
from imgclf.plugins import DATASETS, plugin_entry_points
from imgclf.recipes import Config
from imgclf.records import ModelHeader
from imgclf.runs import Run, create_run, keep_examples
from imgclf.training.loop.losses import check_loss
from imgclf.training.reporter import Reporter
from imgclf.training.run.changes import (
    changes_between,
    check_changes,
    check_goes_on,
    keep_settled,
    told,
    trained_config,
    with_changes,
)
from imgclf.training.run.checkpoint import load_checkpoint, remove_unfinished
from imgclf.training.run.preparation import prepare
from imgclf.training.run.provenance import dataset_fingerprint, environment
from imgclf.training.run.work import Job


class Start(Protocol):
    """How a run starts."""

    def plan(self) -> Config:
        """Return the config, whose dataset is then opened."""

    def begin(self, config: Config, splits: Splits, class_names: tuple[str, ...]) -> Job:
        """Return the job, with its run directory made."""


@final
@dataclass(frozen=True)
class NewRun:
    """A run that begins.

    Attributes:
        config: what to train on what, and how.
        out: the parent of the run directory.
        data_dir: where registered datasets live, if it was given.
        reporter: told what was chosen.
    """

    config: Config
    out: Path
    data_dir: Path | None
    reporter: Reporter

    def plan(self) -> Config:
        """Return the config with the folder's whole name."""
        return _with_absolute_paths(self.config)

    def begin(self, config: Config, splits: Splits, class_names: tuple[str, ...]) -> Job:
        """Settle what is open, build the network, and make the run directory."""
        preparation = prepare(config, splits, class_names)
        for note in preparation.notes:
            self.reporter.message(note)
        settled, classifier = preparation.config, preparation.classifier
        run = create_run(self.out, settled.model.name, config.data.dataset)
        provenance = _write_origin(run, settled, splits, class_names)
        package = None if classifier.package in ("timm", "imgclf") else classifier.package
        header = replace(preparation.header, provenance={**provenance, "model_package": package})
        return Job(run, settled, header, classifier, data_dir=self.data_dir)


@final
@dataclass(frozen=True)
class ResumedRun:
    """A run that goes on from its checkpoint.

    Attributes:
        run: which.
        config: its own, with changes.
        data_dir: where registered datasets live, if it was given.
        reporter: told where it goes on and what has changed.
    """

    run: Run
    config: Config
    data_dir: Path | None
    reporter: Reporter

    @cached_property
    def checkpoint(self) -> dict[str, Any]:
        """The checkpoint, read when it is first asked for: in :meth:`plan`, whose errors reach every process."""
        return load_checkpoint(self.run.checkpoint)

    @cached_property
    def header(self) -> ModelHeader:
        """What the checkpoint says of the model."""
        return ModelHeader.from_dict(json.loads(self.checkpoint["header"]))

    def plan(self) -> Config:
        """Return the config as it goes on.

        Raises:
            RunError: there is no checkpoint, something changed that cannot, or nothing is left to train.
        """
        trained, history = self.checkpoint["trainer"], self.checkpoint["history"]
        before = trained_config(self.header.provenance)
        settled = keep_settled(before, _with_absolute_paths(self.config))
        choose_device(settled.hardware.device)
        changes = changes_between(before, settled)
        check_changes(self.run, changes, trained["epoch"], trained["step"])
        check_loss(settled.loss, len(self.header.class_names), mixing=settled.augment.mixes)
        check_goes_on(self.run, settled, trained, history)
        return settled

    def begin(self, config: Config, splits: Splits, class_names: tuple[str, ...]) -> Job:
        """Say and record what has changed, and rebuild the network."""
        run, trained, provenance = self.run, self.checkpoint["trainer"], self.header.provenance
        _check_same_data(run, splits, class_names, self.header)
        remove_unfinished(run.path)
        classifier = classifier_from_header(self.header, trained["model"])
        changes = changes_between(trained_config(provenance), config)
        self.reporter.message(f"Resuming {run.path} in epoch {trained['epoch'] + 1}, step {trained['step']}.")
        for sentence in told(changes, config):
            self.reporter.message(sentence)
        if changes:
            write_text(run.config, tomli_w.dumps(config.to_toml_dict()))
        header = replace(self.header, provenance=with_changes(provenance, changes, config, trained["epoch"]))
        return Job(run, config, header, classifier, resume=True, data_dir=self.data_dir)


@final
class Following:
    """The start of every process of torchrun but the first: it gets config and job from that one."""

    def plan(self) -> Config:
        """Raise, since the first process plans."""
        raise UsageError("follow() is for the processes of torchrun other than the first: call train().")

    def begin(self, config: Config, splits: Splits, class_names: tuple[str, ...]) -> Job:
        """Raise, since the first process begins."""
        raise UsageError("follow() is for the processes of torchrun other than the first: call train().")


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
