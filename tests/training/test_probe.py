"""A probe: a head fitted in one go on the features of a trained network, as an ordinary run."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from imgclf.errors import ConfigError, ModelError, RunError, StoppedError
from imgclf.models import classifier_from_header, create_classifier
from imgclf.recipes import Config, load_config_file
from imgclf.runs import Run, list_runs, read_header, read_weights
from imgclf.training import resume, train
from imgclf.training.loop.probe import (
    Features,
    fit_head,
    fold_accuracies,
    last_layer,
    neighbours_accuracy,
)
from tests.history import read_history
from tests.training.runs import Listener, config_for


def probe_config(shapes: Path, trained: Run, **training: Any) -> Config:
    """A probe on the network of a trained run."""
    model = {"name": "test_resnet", "weights": str(trained.model_file)}
    return config_for(shapes, model=model, training={"probe": "yes", **training})


@pytest.fixture(scope="module")
def trained(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of timm's tiniest network, whose features tell the shapes apart."""
    config = config_for(shapes, model={"name": "test_resnet"}, optimizer={"lr": 1e-2}, training={"epochs": 5})
    return train(config, out=tmp_path_factory.mktemp("trained") / "runs").run


@pytest.fixture(scope="module")
def probe_run(shapes: Path, trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A probe with folds."""
    out = tmp_path_factory.mktemp("probe") / "runs"
    return train(probe_config(shapes, trained, folds=3, epochs=7, ema=0.9), out=out).run


def blobs(count: int, seed: int) -> Features:
    """Three overlapping clouds of points in the plane, the third rare."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(3, count, p=[0.45, 0.45, 0.1])
    centres = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    values = (centres[labels] + generator.normal(size=(count, 2))).astype(np.float32)
    return Features(values * np.float32([1.0, 50.0]) + np.float32([5.0, 0.0]), labels.astype(np.int64))


def test_a_probe_is_an_ordinary_run(probe_run: Run, trained: Run) -> None:
    """One epoch in the history, a model file whose backbone is the given one, curves, and what else was found."""
    history = read_history(probe_run)
    assert [row["epoch"] for row in history] == [1]
    assert history[0]["val_accuracy"] > 0.8
    metrics = probe_run.read_metrics()
    assert metrics["status"] == "finished"
    assert metrics["probe"]["neighbours"]["val_accuracy"] > 0.8
    assert len(metrics["probe"]["folds"]["accuracies"]) == 3
    assert metrics["probe"]["folds"]["mean"] == pytest.approx(
        np.mean(metrics["probe"]["folds"]["accuracies"])
    )
    assert (probe_run.figures / "curves.png").is_file()
    ours, theirs = read_weights(probe_run.model_file), read_weights(trained.model_file)
    header = read_header(probe_run.model_file)
    model = classifier_from_header(header, ours)
    head = {
        name
        for name, value in model.named_parameters()
        if any(value is one for one in model.head_parameters())
    }
    assert {name for name in ours if not torch.equal(ours[name], theirs[name])} == head
    assert header.provenance["config"]["training"]["epochs"] == 1


@pytest.mark.parametrize("command", [("evaluate",), ("explain", "IMAGE"), ("export", "onnx")])
def test_later_commands_take_a_probe(
    run_cli: Any, probe_run: Run, shapes: Path, command: tuple[str, ...]
) -> None:
    """What comes after training does not know that it was a probe."""
    image = shapes / "test" / "circle" / "00.png"
    arguments = [image if argument == "IMAGE" else argument for argument in command]
    result = run_cli(*arguments, "--run", probe_run.path)
    assert result.code == 0, result.err


def test_a_fitted_probe_has_nothing_to_resume(probe_run: Run) -> None:
    """The sentence says how to fine-tune from it."""
    with pytest.raises(
        RunError,
        match=r"its probe is fitted, and has nothing left .* imgclf train --weights .*model\.safetensors",
    ):
        resume(probe_run, load_config_file(probe_run.path))


def test_a_stopped_probe_goes_on(shapes: Path, trained: Run, probe_run: Run, tmp_path: Path) -> None:
    """A signal while features are computed saves; the resumed probe is the one that was never stopped."""
    import signal

    class Stopping(Listener):
        def progress(self, progress: Any) -> None:
            if progress.phase == "Features of train":
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(StoppedError, match="Continue with: imgclf train --resume"):
        train(probe_config(shapes, trained), out=tmp_path, reporter=Stopping())
    (run,) = list_runs(tmp_path)
    assert run.read_metrics()["status"] == "stopped"
    result = resume(run, load_config_file(run.path))
    assert [record.epoch for record in result.history] == [1]
    ours, expected = read_weights(run.model_file), read_weights(probe_run.model_file)
    assert all(torch.allclose(ours[name], expected[name], atol=1e-5) for name in ours)


def test_the_flag_makes_a_probe(run_cli: Any, shapes: Path, trained: Run, tmp_path: Path) -> None:
    """``--probe --balance weights --folds 2`` from the command line, its sentences included."""
    flags = ("--data", shapes, "--weights", trained.model_file, "--model", "test_resnet", "--device", "cpu")
    result = run_cli("train", *flags, "--probe", "--balance", "weights", "--folds", 2, "--out", tmp_path)
    assert result.code == 0, result.err
    assert re.search(
        r"Probe: strength \S+ is the best on val\. The 10 nearest neighbours .* are right on", result.err
    )
    assert re.search(r"2 folds of train: accuracy \d", result.err)


def test_a_probe_needs_weights_one_process_and_one_layer(shapes: Path, trained: Run, tmp_path: Path) -> None:
    """Each misfit is told before anything is computed."""
    with pytest.raises(
        ModelError, match=r"no pretrained weights of resnet9 are at hand\. Take another --model"
    ):
        train(config_for(shapes, training={"probe": "yes"}), out=tmp_path)
    config = probe_config(shapes, trained)
    two = config.model_copy(update={"hardware": config.hardware.model_copy(update={"devices": 2})})
    with pytest.raises(ConfigError, match=r"a probe takes one process\. Leave out --devices and --nodes"):
        train(two, out=tmp_path)
    hidden = config.model_copy(update={"head": config.head.model_copy(update={"hidden": 4})})
    with pytest.raises(
        ConfigError,
        match=r"a probe is one linear layer with biases .*test_resnet with this head does not end in one",
    ):
        train(hidden, out=tmp_path)
    with pytest.raises(ConfigError, match=r"folds are made of a probe's features\. Add --probe"):
        train(config_for(shapes, training={"folds": 3}), out=tmp_path)
    with pytest.raises(
        ConfigError, match="resnet9 with this head does not end in one"
    ):  # scaled, without biases
        last_layer(create_classifier("resnet9", 3, pretrained="no", image_size=(32, 32)))
    assert list_runs(tmp_path) == []


def test_the_head_is_scikit_learns_on_standardised_features() -> None:
    """Laid over raw features: the same probabilities, at the strength with the smallest loss on val."""
    fit, val = blobs(300, 0), blobs(300, 1)
    head = fit_head(fit, val, 3, balanced=False)
    mean, deviation = fit.values.mean(axis=0), fit.values.std(axis=0)
    reference = LogisticRegression(C=head.strength, max_iter=1000).fit(
        (fit.values - mean) / deviation, fit.labels
    )
    expected = reference.predict_log_proba((val.values - mean) / deviation)
    ours = torch.log_softmax(torch.from_numpy(val.values @ head.weight.T + head.bias), dim=1).numpy()
    assert np.allclose(ours, expected, atol=0.05)
    assert head.loss(val) == pytest.approx(-expected[np.arange(300), val.labels].mean(), abs=0.01)
    assert head.accuracy(val) > 0.75


def test_balanced_heads_find_the_rare_class() -> None:
    """With each class weighing the same, more of the rare class is found."""
    fit, val = blobs(600, 2), blobs(2_000, 3)
    rare = val.labels == 2

    def found(balanced: bool) -> float:
        head = fit_head(fit, val, 3, balanced=balanced)
        predicted = (val.values @ head.weight.T + head.bias).argmax(axis=1)
        return float((predicted[rare] == 2).mean())

    assert found(True) > found(False)


def test_a_class_without_training_images_is_never_predicted() -> None:
    """Four classes, of which two have images: the other two stay behind everywhere."""
    fit = blobs(200, 4)
    two = Features(fit.values[fit.labels < 2], fit.labels[fit.labels < 2] * 2)
    head = fit_head(two, two, 4, balanced=False)
    assert head.weight.shape == (4, 2)
    assert set((two.values @ head.weight.T + head.bias).argmax(axis=1).tolist()) == {0, 2}


def test_folds_keep_groups_whole_and_need_enough_images() -> None:
    """Points that stand twice under one group cannot tell on each other; too many folds are refused."""
    generator = np.random.default_rng(5)
    values = np.repeat(generator.normal(size=(60, 40)).astype(np.float32), 2, axis=0)
    labels = np.repeat(generator.integers(0, 2, 60), 2).astype(np.int64)
    pairs = tuple(str(index // 2) for index in range(120))
    torn = fold_accuracies(Features(values, labels), 10.0, 4, 2, balanced=False)
    whole = fold_accuracies(Features(values, labels, pairs), 10.0, 4, 2, balanced=False)
    assert np.mean(torn) > 0.8 > np.mean(whole)  # pure noise: only the twin can be known
    with pytest.raises(
        ConfigError, match=r"training\.folds: 100 folds need 100 training images of each class .* fewer folds"
    ):
        fold_accuracies(Features(values, labels), 1.0, 100, 2, balanced=False)


def test_neighbours_vote() -> None:
    """Far apart, the nearest neighbours are always right; with three images three of them vote."""
    fit = Features(np.eye(3, dtype=np.float32).repeat(20, axis=0), np.arange(3).repeat(20))
    assert neighbours_accuracy(fit, fit) == 1.0
    few = Features(np.eye(3, dtype=np.float32), np.arange(3))
    assert neighbours_accuracy(few, few) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext", "mobilenetv2_035"])
def test_the_last_layer_gives_the_logits_of_the_features(name: str) -> None:
    """What the probe overwrites is the layer between features and logits, for every kind of network."""
    classifier = create_classifier(name, 3, pretrained="no", image_size=(32, 32)).eval()
    layer = last_layer(classifier)
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))  # type: ignore[union-attr]
        assert torch.allclose(classifier(images), torch.tensor([[1.0, 2.0, 3.0]]).expand(2, 3))
