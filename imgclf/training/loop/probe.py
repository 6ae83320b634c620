"""A linear probe: a linear head on a network's own features, fitted in one go (Alain & Bengio 2016).

The features of each image are computed once, so that every strength of the penalty, every fold and the nearest
neighbours cost seconds. scikit-learn fits the head; it is then the network's own last layer.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from lightning_fabric import Fabric
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from imgclf.data import Loader
from imgclf.errors import ConfigError
from imgclf.models import Classifier

NEIGHBOURS = 10
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse penalties that are tried, from the strongest penalty to the weakest; features have deviation 1."""

_ITERATIONS = 300
_ABSENT = -20.0  # the logit of a class without a training image, beside the others' least


@dataclass(frozen=True)
class Features:
    """Pooled features float32 (N, D) and labels int64 (N,) of a split, with the images' groups (none: empty)."""

    values: np.ndarray
    labels: np.ndarray
    groups: tuple[str, ...] = ()

    def standardised(self, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Return the features with this mean taken off, over this deviation."""
        scaled: np.ndarray = (self.values - mean) / deviation
        return scaled


@dataclass(frozen=True)
class LinearHead:
    """Weights (K, D) and biases (K,) on raw features, and the strength that was chosen."""

    weight: np.ndarray
    bias: np.ndarray
    strength: float

    def accuracy(self, features: Features) -> float:
        """Return the share of right predictions, in [0, 1]."""
        return float((self._logits(features).argmax(axis=1) == features.labels).mean())

    def loss(self, features: Features) -> float:
        """Return the mean cross entropy in nats."""
        logits = torch.from_numpy(self._logits(features))
        return float(nn.functional.cross_entropy(logits, torch.from_numpy(features.labels)))

    def put_into(self, model: nn.Module) -> None:
        """Make it the last layer of a classifier.

        Raises:
            ConfigError: the classifier does not end in one linear layer.
        """
        layer = last_layer(model)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(self.weight).reshape(layer.weight.shape))
            layer.bias.copy_(torch.from_numpy(self.bias))  # type: ignore[union-attr]

    def _logits(self, features: Features) -> np.ndarray:
        logits: np.ndarray = features.values @ self.weight.T + self.bias
        return logits


def last_layer(model: nn.Module) -> nn.Linear | nn.Conv2d:
    """Return the linear layer (or 1x1 convolution) that gives a classifier's logits.

    Raises:
        ConfigError: it has none, or two of them, or a hidden layer before it.
    """
    assert isinstance(model, Classifier)
    modules = model.head_modules()
    if len(modules) == 1 and isinstance(modules[0], nn.Linear | nn.Conv2d) and modules[0].bias is not None:
        return modules[0]
    raise ConfigError(
        f"training.probe: a probe is one linear layer with biases on the features of the network, and {model.arch} with this "
        f"head does not end in one. Leave head.hidden out, or take another --model."
    )


@torch.no_grad()
def features_of(
    fabric: Fabric,
    model: Classifier,
    loader: Loader,
    should_stop: Callable[[], bool],
    tell: Callable[[int], None],
) -> Features | None:
    """Compute the features of a loader's images, each once; None where a stop was asked for.

    Args:
        fabric: gives the precision.
        model: in eval mode.
        loader: of the images, without augmentation.
        should_stop: asked after each batch.
        tell: takes the number of images so far.
    """
    values, labels, indices = [], [], []
    for batch in loader.epoch(0):
        with fabric.autocast():
            values.append(model.embed(batch.images).float().cpu())
        labels.append(batch.labels.cpu())
        indices.append(batch.indices)
        tell(sum(map(len, labels)))
        if should_stop():
            return None
    found = torch.cat(indices).tolist()
    groups = tuple(loader.examples.groups[index] for index in found) if loader.examples.groups else ()
    return Features(torch.cat(values).numpy(), torch.cat(labels).numpy(), groups)


def fit_head(train: Features, val: Features, classes: int, *, balanced: bool) -> LinearHead:
    """Fit a head at each strength and return the one with the smallest loss on ``val``: a count of hits is too coarse.

    Args:
        train: to fit on.
        val: to choose the strength on.
        classes: K.
        balanced: whether each class weighs the same, however many images it has.
    """
    return min(_heads(train, STRENGTHS, classes, balanced=balanced), key=lambda head: head.loss(val))


def fold_accuracies(
    train: Features, strength: float, folds: int, classes: int, *, balanced: bool
) -> list[float]:
    """Return the accuracy on each fold of ``train`` of a head that was fitted on the others; groups stay whole.

    Raises:
        ConfigError: a class has fewer images (or the data fewer groups) than there are folds.
    """
    smallest = min(
        int(np.bincount(train.labels, minlength=classes).min()), len(set(train.groups)) or len(train.labels)
    )
    if smallest < folds:
        raise ConfigError(
            f"training.folds: {folds} folds need {folds} training images of each class (and as many groups); here there "
            f"are {smallest}. Ask for fewer folds."
        )
    groups = np.array(train.groups or range(len(train.labels)))
    accuracies = []
    for rest, fold in StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(
        train.values, train.labels, groups
    ):
        fitted = Features(train.values[rest], train.labels[rest])
        (head,) = _heads(fitted, (strength,), classes, balanced=balanced)
        accuracies.append(head.accuracy(Features(train.values[fold], train.labels[fold])))
    return accuracies


def neighbours_accuracy(train: Features, val: Features) -> float:
    """Return the accuracy on ``val`` of a vote of the 10 nearest training images by cosine."""
    voters = KNeighborsClassifier(min(NEIGHBOURS, len(train.labels)), metric="cosine")
    return float(voters.fit(train.values, train.labels).score(val.values, val.labels))


def _heads(
    train: Features, strengths: tuple[float, ...], classes: int, *, balanced: bool
) -> Iterator[LinearHead]:
    """Yield a head for each strength; each fit begins where the one before ended."""
    mean, deviation = train.values.mean(axis=0), train.values.std(axis=0) + 1e-6
    scaled = train.standardised(mean, deviation)
    fit = LogisticRegression(
        class_weight="balanced" if balanced else None, max_iter=_ITERATIONS, warm_start=True
    )
    for strength in strengths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # A head that is nearly there is a head.
            fit.set_params(C=strength).fit(scaled, train.labels)
        weight, bias = _all_classes(fit, classes)
        weight = weight / deviation
        yield LinearHead(weight.astype(np.float32), (bias - weight @ mean).astype(np.float32), strength)


def _all_classes(fit: LogisticRegression, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay scikit-learn's coefficients out over all K classes: it has one row for two, and none for an absent class."""
    weight, bias = np.asarray(fit.coef_), np.asarray(fit.intercept_)
    if len(fit.classes_) == 2:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    all_weight = np.zeros((classes, weight.shape[1]))
    all_bias = np.full(classes, bias.min() + _ABSENT)
    all_weight[fit.classes_], all_bias[fit.classes_] = weight, bias
    return all_weight, all_bias
