"""Training for real: it learns, resumes with the same bits, keeps what is good, refuses what does not fit."""

import csv
import json
import tomllib
from pathlib import Path

import pytest
import torch

from imgclf.errors import ConfigError, DataError, DivergenceError, RunError, StoppedError
from imgclf.recipes import Config, load_config_file
from imgclf.records import EpochRecord
from imgclf.runs import Run, list_runs, read_header, read_weights
from imgclf.training import resume, train
from imgclf.training.processes.interruption import StopRequest
from tests.history import read_history
from tests.training.runs import Listener, config_for, stopped_at


def test_learns_and_writes_a_whole_run(shapes_run: Run) -> None:
    """Coloured shapes are learnt in a few epochs, and everything a later command needs is in the run."""
    metrics = shapes_run.read_metrics()
    assert metrics["status"] == "finished"
    assert metrics["best"]["val_accuracy"] > 0.8
    for name in (
        "model.safetensors",
        "last.ckpt",
        "config.toml",
        "environment.json",
        "splits.csv",
        "examples/index.csv",
        "log.txt",
    ):
        assert (shapes_run.path / name).stat().st_size > 0, name
    assert (shapes_run.figures / "curves.png").read_bytes().startswith(b"\x89PNG")
    history = read_history(shapes_run)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds"} <= history[0].keys()
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_the_split_in_the_run_is_whole_and_disjoint(shapes_run: Run) -> None:
    """Every file is in exactly one split, and test is the dataset's own."""
    with shapes_run.splits.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["file"] for row in rows}) == len(rows) == 96
    assert {row["split"] for row in rows if "/test/" in f"/{row['file']}"} == {"test"}
    assert sum(row["split"] == "val" for row in rows) == 18


def test_header_says_everything_needed_to_predict(shapes_run: Run) -> None:
    """Architecture, classes, preprocessing and provenance travel with the weights."""
    header = read_header(shapes_run.model_file)
    assert header.arch == "resnet9"
    assert header.class_names == ("circle", "square", "triangle")
    assert header.preprocessing.image_size == (32, 32)
    assert header.provenance["metrics"]["val_accuracy"] == shapes_run.read_metrics()["best"]["val_accuracy"]
    assert len(header.provenance["dataset"]["fingerprint"]) == 16


def test_the_stored_config_repeats_the_run(shapes: Path, tmp_path: Path) -> None:
    """The same config gives the same bits, from the file as well."""
    first = train(config_for(shapes), out=tmp_path / "runs").run
    second = train(load_config_file(first.path), out=tmp_path / "runs").run
    ours, theirs = read_weights(first.model_file), read_weights(second.model_file)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("step", [2, 6, 8])
def test_stopped_and_resumed_is_bit_equal_to_uninterrupted(shapes: Path, tmp_path: Path, step: int) -> None:
    """A stop in mid-epoch, at an epoch's end and in the next epoch: the same final bits, averages included."""
    config = config_for(
        shapes,
        head={"dropout": 0.5},
        augment={"transforms": [{"name": "RandomHorizontalFlip"}, {"name": "RandomRotation", "degrees": 10}]},
        scheduler={"name": "OneCycleLR"},
        training={"ema": 0.9, "epochs": 3},
    )
    whole = train(config, out=tmp_path / "whole").run
    with (
        stopped_at(step),
        pytest.raises(
            StoppedError, match=r"everything is saved\. Continue with: imgclf train --resume"
        ) as stop,
    ):
        train(config, out=tmp_path / "parts")
    assert stop.value.exit_code == 143
    (parts,) = list_runs(tmp_path / "parts")
    assert parts.read_metrics()["status"] == "stopped"
    resume(parts, load_config_file(parts.path))
    expected, got = (torch.load(run.checkpoint, weights_only=True)["trainer"] for run in (whole, parts))
    assert all(torch.equal(expected["model"][name], got["model"][name]) for name in expected["model"])
    assert all(
        torch.equal(expected["average"]["model"][name], got["average"]["model"][name])
        for name in expected["average"]["model"]
    )
    columns = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr")
    assert [[row[key] for key in columns] for row in read_history(whole)] == [
        [row[key] for key in columns] for row in read_history(parts)
    ]


def test_not_a_number_names_the_step_and_keeps_the_best_model(shapes: Path, tmp_path: Path) -> None:
    """A rate that explodes in the second epoch leaves the first epoch's model whole."""
    config = config_for(
        shapes,
        optimizer={"name": "SGD", "lr": 1e-3},
        scheduler={"name": "StepLR", "step_size": 1, "gamma": 1e30},
        training={"epochs": 4},
    )
    with pytest.raises(
        DivergenceError, match=r"NaN or infinite in epoch [234] at step \d+ .*best model so far is kept"
    ):
        train(config, out=tmp_path)
    (run,) = list_runs(tmp_path)
    assert run.read_metrics()["status"] == "failed"
    assert all(torch.isfinite(value).all() for value in read_weights(run.model_file).values())


def test_frozen_backbone_stands_still_and_then_moves(shapes: Path, tmp_path: Path) -> None:
    """In phase one only the head learns, BatchNorm statistics included; in phase two everything does."""
    head_only = train(
        config_for(shapes, training={"epochs": 1, "freeze_epochs": 1, "seed": 3}), out=tmp_path / "a"
    )
    both = train(
        config_for(shapes, training={"epochs": 2, "freeze_epochs": 1, "seed": 3}), out=tmp_path / "b"
    )
    frozen = torch.load(head_only.run.checkpoint, weights_only=True)["trainer"]["model"]
    moved = torch.load(both.run.checkpoint, weights_only=True)["trainer"]["model"]
    untouched = [name for name in frozen if torch.equal(frozen[name], moved[name])]
    assert untouched == ["network.prep.weight"]  # set, not learned
    norms = [value for name, value in frozen.items() if name.endswith("running_mean")]
    assert all(torch.equal(value, torch.zeros_like(value)) for value in norms)
    assert [record.lr for record in both.history][1] < both.history[0].lr or both.history[1].lr <= 1e-4


def test_time_limit_ends_the_run_with_the_schedule_annealed(shapes: Path, tmp_path: Path) -> None:
    """A run planned for a thousand epochs stops in time, its rate at the end of the schedule."""
    config = config_for(shapes, training={"epochs": 1000, "max_time": "3s"}, optimizer={"lr": 1e-3})
    result = train(config, out=tmp_path)
    assert 0 < len(result.history) < 1000
    assert result.history[-1].lr < 0.1 * 1e-3
    assert result.run.read_metrics()["status"] == "finished"


def test_early_stopping_ends_the_run(shapes: Path, tmp_path: Path) -> None:
    """A rate of almost zero improves nothing; patience 1 ends the run after the epoch that showed it."""
    config = config_for(
        shapes,
        optimizer={"name": "SGD", "lr": 1e-12},
        training={"epochs": 20, "early_stopping": {"patience": 1, "min_delta": 0.5}},
    )
    result = train(config, out=tmp_path)
    assert result.stopped_early
    assert len(result.history) == 2


@pytest.mark.parametrize("balance", ["weights", "sampler"])
def test_balance_trains_on_uneven_classes(shapes: Path, tmp_path: Path, balance: str) -> None:
    """Weights and sampler both run; the sampler draws as many images as there are."""
    result = train(config_for(shapes, data={"balance": balance}, training={"epochs": 1}), out=tmp_path)
    assert result.best.val_loss > 0


def test_accumulation_mixing_clipping_and_smoothing_work_together(shapes: Path, tmp_path: Path) -> None:
    """The less common settings in one run."""
    config = config_for(
        shapes,
        augment={"mixup": 0.2, "cutmix": 1.0},
        loss={"name": "CrossEntropyLoss", "label_smoothing": 0.1},
        scheduler={"name": "CosineAnnealingLR", "warmup_epochs": 0.5},
        training={"accumulate": 2, "clip_grad_norm": 1.0, "epochs": 1},
    )
    assert train(config, out=tmp_path).best.train_loss > 0


def test_unreadable_files_are_left_out_and_listed(shapes: Path, tmp_path: Path) -> None:
    """A broken file or link costs itself and nothing else; its name and the reason are in the run."""
    import shutil

    data = Path(shutil.copytree(shapes, tmp_path / "data"))
    (data / "train" / "circle" / "broken.png").write_bytes(b"not an image")
    (data / "train" / "circle" / "gone.png").symlink_to("nowhere")  # known as soon as the folder is listed
    listener = Listener()
    run = train(config_for(data, training={"epochs": 1}), out=tmp_path / "runs", reporter=listener).run
    with (run.path / "skipped.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["file"]).name for row in rows] == ["gone.png", "broken.png"]
    assert any("Left out 2 unreadable files" in message for message in listener.messages)

    streaming, again = config_for(data, data={"memory_budget_gb": 1e-9, "workers": 0}), Listener()
    streamed = train(streaming, out=tmp_path / "streamed", reporter=again).run
    assert (streamed.path / "skipped.csv").read_text() == (run.path / "skipped.csv").read_text()
    assert sum("Left out" in message for message in again.messages) == 4
    with pytest.raises(DataError, match=r"broken\.png"):
        train(config_for(data, data={"on_error": "fail"}), out=tmp_path / "runs")


def test_output_that_cannot_be_written_fails_before_training(shapes: Path, tmp_path: Path) -> None:
    """The parent of runs is a file: no epoch is spent before that is said."""
    (tmp_path / "runs").write_text("in the way")
    listener = Listener()
    with pytest.raises(
        RunError, match=r"a run cannot be written there .* Choose another folder with --out\."
    ):
        train(config_for(shapes), out=tmp_path / "runs", reporter=listener)
    assert listener.epochs == []


def test_several_machines_need_a_launcher(shapes: Path, tmp_path: Path) -> None:
    """The sentence shows the command."""
    config = config_for(shapes, hardware={"nodes": 2})
    with pytest.raises(
        ConfigError, match=r"2 machines need a launcher on each of them\. .* torchrun --nnodes 2"
    ):
        train(config, out=tmp_path)


def test_two_processes_give_the_metrics_of_every_image_once(shapes: Path, tmp_path: Path) -> None:
    """Validation over two processes counts 18 images, not the 20 of padded parts; the run resumes on one."""
    config = config_for(shapes, hardware={"devices": 2}, training={"epochs": 2, "batch_size": 8})
    listener = Listener()
    result = train(config, out=tmp_path, reporter=listener)
    assert [record.epoch for record in listener.epochs] == [1, 2]
    for record in result.history:
        assert record.val_accuracy * 18 == pytest.approx(round(record.val_accuracy * 18), abs=1e-9)
    from imgclf.models import classifier_from_header

    header = read_header(result.run.model_file)
    classifier = classifier_from_header(header, read_weights(result.run.model_file))
    assert classifier.num_classes == 3
    _check_validation_against_one_process(result.run, config, result.best)


def _check_validation_against_one_process(run: Run, config: Config, best: EpochRecord) -> None:
    """Validate the saved model in this process, image by image."""
    from imgclf.data import LoadingOptions, eval_loader, make_splits, open_dataset
    from imgclf.models import classifier_from_header

    header = read_header(run.model_file)
    classifier = classifier_from_header(header, read_weights(run.model_file))
    splits = make_splits(open_dataset(config.data.dataset), val_fraction=config.data.val_fraction)
    loader = eval_loader(splits.val, header.preprocessing, LoadingOptions(4, "cpu"))
    with torch.no_grad():
        losses = [
            torch.nn.functional.cross_entropy(classifier(batch.images), batch.labels, reduction="sum")
            for batch in loader.epoch(0)
        ]
    assert float(sum(losses)) / len(splits.val) == pytest.approx(best.val_loss, rel=1e-5)


def test_second_interrupt_stops_at_once() -> None:
    """Who presses Ctrl-C twice wants out now."""
    import signal

    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.signal_number == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_the_learning_rate_suits_the_weights(shapes: Path, shapes_run: Run, tmp_path: Path) -> None:
    """Left open, it is smaller on trained weights than from scratch; the stored config says which it was."""
    config = config_for(shapes, model={"weights": str(shapes_run.model_file)}, training={"epochs": 1})
    on_weights = train(config, out=tmp_path).run
    assert load_config_file(on_weights.path).optimizer.lr == 3e-4
    assert load_config_file(shapes_run.path).optimizer.lr == 1e-3


def test_config_and_metrics_are_plain_files(shapes_run: Run) -> None:
    """TOML and JSON that any program reads; the config says what was chosen."""
    config = tomllib.loads(shapes_run.config.read_text())
    assert config["model"]["name"] == "resnet9"
    assert config["image"]["size"] == [32, 32]
    assert json.loads(shapes_run.metrics.read_text())["best"]["epoch"] >= 1
