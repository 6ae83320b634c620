"""A probe inside a run: features, head, nearest neighbours and folds; the epoch that the history gets of it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from lightning_fabric import Fabric

from imgclf.data import Loader
from imgclf.errors import ConfigError
from imgclf.recipes import Config
from imgclf.records import EpochRecord, Progress
from imgclf.training.loop.probe import (
    NEIGHBOURS,
    Features,
    features_of,
    fit_head,
    fold_accuracies,
    last_layer,
    neighbours_accuracy,
)
from imgclf.training.loop.trainer import Loaders, Trainer
from imgclf.training.reporter import Reporter


def check_probe(config: Config) -> None:
    """Refuse settings that a probe does not go with.

    Raises:
        ConfigError: several processes, or folds without a probe.
    """
    if config.training.probe == "yes" and config.hardware.devices * config.hardware.nodes > 1:
        raise ConfigError("training.probe: a probe takes one process. Leave out --devices and --nodes.")
    if config.training.folds and config.training.probe != "yes":
        raise ConfigError(
            "training.folds: folds are made of a probe's features. Add --probe, or leave --folds out."
        )


def as_probe(config: Config) -> Config:
    """Return the config of a probe with what it has none of taken out: it is one epoch, with no phases and no average."""
    training = config.training.model_copy(update={"epochs": 1, "freeze_epochs": 0, "ema": 0.0})
    return config.model_copy(update={"training": training})


class Probe:
    """Fits a probe on a run's images and puts it into the trainer's network.

    Args:
        fabric: launched, one process.
        reporter: told how far it is, and what came out.
        config: resolved.
        classes: K.
        should_stop: asked after each batch of features.
    """

    def __init__(
        self,
        fabric: Fabric,
        reporter: Reporter,
        config: Config,
        classes: int,
        should_stop: Callable[[], bool],
    ) -> None:
        self._fabric, self._reporter, self._config, self._classes = fabric, reporter, config, classes
        self._should_stop = should_stop
        self._balanced = config.data.balance != "none"
        self.results: dict[str, Any] = {}

    def epochs(self, trainer: Trainer, loaders: Loaders) -> Iterator[EpochRecord]:
        """Yield the one row of the history; nothing where a stop was asked for. The rest is in :attr:`results`.

        Raises:
            ConfigError: the network does not end in one linear layer, or there are too few images for the folds.
        """
        trainer.begin()
        started = time.perf_counter()
        model = trainer.best_model
        last_layer(model)
        train = self._features(model, loaders.train, "train")
        val = train and self._features(model, loaders.val, "val")
        if train is None or val is None:
            trainer.interrupted = True
            return
        head = fit_head(train, val, self._classes, balanced=self._balanced)
        head.put_into(model)
        self._measure(train, val, head.strength)
        yield trainer.fitted(head.loss(train), head.accuracy(train), len(train.labels), started)

    def _features(self, model: Any, loader: Loader, split: str) -> Features | None:
        total = len(loader.examples)

        def tell(done: int) -> None:
            self._reporter.progress(Progress(f"Features of {split}", done, total))

        return features_of(self._fabric, model.eval(), loader, self._should_stop, tell)

    def _measure(self, train: Features, val: Features, strength: float) -> None:
        neighbours = neighbours_accuracy(train, val)
        self.results = {"strength": strength, "neighbours": {"k": NEIGHBOURS, "val_accuracy": neighbours}}
        self._reporter.message(
            f"Probe: strength {strength:g} is the best on val. The {NEIGHBOURS} nearest neighbours on the same features "
            f"are right on {neighbours:.1%} of val."
        )
        folds = self._config.training.folds
        if not folds:
            return
        accuracies = fold_accuracies(train, strength, folds, self._classes, balanced=self._balanced)
        mean, spread = float(np.mean(accuracies)), float(np.std(accuracies, ddof=1))
        self.results["folds"] = {"accuracies": accuracies, "mean": mean, "deviation": spread}
        self._reporter.message(
            f"{folds} folds of train: accuracy {mean:.1%} with a standard deviation of {spread:.1%} between folds."
        )
