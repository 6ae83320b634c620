"""Which settings may change when a run is resumed.

Each is applied, or applied only where an epoch begins, or refused. Whatever is applied is said, and written into
``config.toml`` and into the model file. docs/howto/resume.md has the same table for people.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imgclf.errors import RunError
from imgclf.recipes import Config, build_config
from imgclf.records import EpochRecord
from imgclf.runs import Run
from imgclf.training.loop.budget import budget_of
from imgclf.training.loop.early_stopping import early_stopping
from imgclf.training.loop.schedule import length_argument

_NETWORK = "the network and its weights are those of the checkpoint"
_INPUT = "the network has learnt from images that were prepared like this"
_SPLIT = "it decides which images are in val"
_LABELS = "it decides which images there are, and their labels"
_BATCHES = "what is left of the epoch would repeat some images and leave out others"

REFUSED = {
    "model": _NETWORK,
    "head": _NETWORK,
    "image": _INPUT,
    "loss": "its values before and after could not be compared",
    "optimizer": "what the optimiser has gathered in the checkpoint would not fit",
    "data.image_column": _LABELS,
    "data.label_column": _LABELS,
    "data.class_depth": _LABELS,
    "data.split_column": _SPLIT,
    "data.group_column": _SPLIT,
    "data.val_fraction": _SPLIT,
    "data.val_from": _SPLIT,
    "training.probe": "a run is trained, or fitted as a probe",
    "training.folds": "they are made where the probe is fitted",
    "training.seed": "the seed decides which images are in val, and the order of the others",
    "training.monitor": "the weights of the epoch that would be the best by another metric may be gone",
    "training.freeze_epochs": "the epochs before were trained in the phases that it made",
}
"""Settings and whole sections that cannot change, and why; ``optimizer.lr`` alone of its section can."""

BETWEEN_EPOCHS = {
    "data.balance": _BATCHES,
    "data.memory_budget_gb": _BATCHES,
    "training.batch_size": _BATCHES,
}
"""Settings that can change where an epoch begins, and why not in the middle of one."""

APPLIED = (
    "data.dataset",
    "data.on_error",
    "data.workers",
    "augment",
    "optimizer.lr",
    "scheduler",
    "training.epochs",
    "training.finetune_lr",
    "training.clip_grad_norm",
    "training.accumulate",
    "training.ema",
    "training.max_time",
    "training.compile",
    "training.early_stopping",
    "hardware",
)
"""Settings and whole sections that are applied from the next step on."""

# They lay out the learning rate.
_RATE = (
    "training.epochs",
    "training.max_time",
    "training.finetune_lr",
    "training.accumulate",
    "training.batch_size",
)
# Left open ("auto"), they stay as the run settled them.
_SETTLED = ("optimizer.lr", "model.name", "image.size", "hardware.device", "hardware.precision")
_LONG = 40


@dataclass(frozen=True)
class Change:
    """A setting, by its dotted key, before and after; None is a setting that is not there."""

    key: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """Return "training.epochs 4 -> 8"; of long values the key alone."""
        text = f"{self.key} {_shown(self.before)} -> {_shown(self.after)}"
        return text if len(text) <= _LONG + len(self.key) else self.key

    @property
    def lays_out_rate(self) -> bool:
        """Whether the learning rate is laid out anew."""
        return self.key in _RATE or self.key.startswith(("optimizer.lr", "scheduler."))


def trained_config(provenance: Mapping[str, Any]) -> Config:
    """Return the config that a checkpoint was trained with."""
    return build_config(provenance["config"], origin="The checkpoint's config: ")


def keep_settled(before: Config, after: Config) -> Config:
    """Return ``after`` with what it leaves open as the run has settled it."""
    values, settled = after.model_dump(mode="json"), before.model_dump(mode="json")
    for section, name in (key.split(".") for key in _SETTLED):
        if values[section][name] == "auto":
            values[section][name] = settled[section][name]
    return build_config(values, origin="")


def changes_between(before: Config, after: Config) -> tuple[Change, ...]:
    """Return every setting that differs, in the order of the config."""
    old, new = (_flat(config.model_dump(mode="json")) for config in (before, after))
    keys = [*old, *(key for key in new if key not in old)]
    return tuple(Change(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key))


def check_changes(run: Run, changes: tuple[Change, ...], epoch: int, step: int) -> None:
    """Refuse what cannot change.

    Args:
        run: for the message.
        changes: asked for.
        epoch: whole epochs that are trained.
        step: steps into the next one.

    Raises:
        RunError: every change that is refused, each with its reason.
    """
    faults = []
    for change in changes:
        if reason := _reason(change.key, REFUSED):
            faults.append(f"{change.key} is {_shown(change.before)} and stays so: {reason}.")
        elif step and (reason := _reason(change.key, BETWEEN_EPOCHS)):
            faults.append(
                f"{change.key} is {_shown(change.before)} and stays so until epoch {epoch + 1} is over, of which "
                f"{step} steps are trained: {reason}."
            )
    if faults:
        raise RunError(
            f"{run.path}: it cannot be resumed like that. {' '.join(faults)} Leave that out, or start a new run that "
            f"begins with these weights: imgclf train --weights {run.model_file}"
        )


def check_goes_on(
    run: Run, config: Config, trained: Mapping[str, Any], history: list[dict[str, Any]]
) -> None:
    """Make sure that the run has something left to train.

    Args:
        run: for the message.
        config: of the resumed run.
        trained: the trainer's part of the checkpoint.
        history: the epochs so far.

    Raises:
        RunError: the epochs are trained, the time limit is used, or patience has run out.
    """
    resume = f"imgclf train --resume {run.path}"
    training, budget, stopping = config.training, budget_of(config.training), early_stopping(config.training)
    if training.probe == "yes" and trained["epoch"]:
        raise RunError(
            f"{run.path}: its probe is fitted, and has nothing left to do. To fine-tune the network from it: "
            f"imgclf train --weights {run.model_file}"
        )
    if trained["epoch"] >= training.epochs:
        raise RunError(
            f"{run.path}: already finished its {trained['epoch']} epochs. To train longer: "
            f"{resume} --epochs {2 * max(training.epochs, trained['epoch'])}"
        )
    budget.restore(trained)
    if budget.by_time() >= 1:
        raise RunError(
            f"{run.path}: already used its time, {budget.elapsed:.0f} s of training.max_time = {training.max_time}. To "
            f"train longer: {resume} --max-time {math.ceil(budget.elapsed / 30)}m"
        )
    for row in history:
        stopping.update(EpochRecord(**row))
    if stopping.exhausted:
        raise RunError(
            f"{run.path}: stopped early, since {stopping.metric} has not improved for {stopping.epochs_without} epochs "
            f"(patience {stopping.patience}). To train on all the same, give more, or 0 for no limit: "
            f"{resume} --patience {2 * stopping.epochs_without}"
        )


def told(changes: tuple[Change, ...], config: Config) -> list[str]:
    """Return the sentences that say what has changed and what follows from it for the learning rate."""
    if not changes:
        return []
    sentences = [f"Changed: {', '.join(map(str, changes))}."]
    fixed = length_argument(config.scheduler)
    if fixed and any(change.key == "training.epochs" for change in changes):
        sentences.append(
            f"Note: the schedule does not follow the epochs: scheduler.{fixed} = {config.scheduler.args[fixed]} says how "
            f"long it is. To change that too: --set scheduler.{fixed}=NUMBER"
        )
    elif any(change.lays_out_rate for change in changes):
        limit = f" within {config.training.max_time}" if config.training.max_time else ""
        sentences.append(
            f"The learning rate goes on as in a run of {config.training.epochs} epochs{limit} from the start."
        )
    return sentences


def with_changes(
    provenance: Mapping[str, Any], changes: tuple[Change, ...], config: Config, epoch: int
) -> dict[str, Any]:
    """Return the provenance of a resumed run: its present config, and what changed after which epoch."""
    if not changes:
        return dict(provenance)
    step = {
        "after_epoch": epoch,
        "changed": {change.key: [change.before, change.after] for change in changes},
    }
    return {**provenance, "config": config.to_toml_dict(), "resumed": [*provenance.get("resumed", []), step]}


def _reason(key: str, table: Mapping[str, str]) -> str:
    """Return the reason for the setting or its section; nothing where it may change."""
    if key == "optimizer.lr":
        return ""
    return next((reason for name, reason in table.items() if f"{key}.".startswith(f"{name}.")), "")


def _shown(value: Any) -> str:
    return "not set" if value is None else json.dumps(value)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
