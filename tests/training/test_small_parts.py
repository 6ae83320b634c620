"""Averaging, best epoch, phases, budget, mixing, checkpoint file, device choice."""

import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from imgclf.errors import RunError
from imgclf.recipes import Config
from imgclf.recipes.config import AugmentConfig, HardwareConfig
from imgclf.records import EpochRecord
from imgclf.training.loop.averaging import WeightAverage
from imgclf.training.loop.budget import Budget
from imgclf.training.loop.early_stopping import BestEpoch
from imgclf.training.loop.mixing import BatchMixing
from imgclf.training.loop.phases import plan_phases
from imgclf.training.precision import choose_precision
from imgclf.training.processes.launch import launch
from imgclf.training.reporter import SilentReporter
from imgclf.training.run.checkpoint import load_checkpoint, save_checkpoint


def record(epoch: int, loss: float, accuracy: float) -> EpochRecord:
    """An epoch with these validation results."""
    return EpochRecord(epoch, 1.0, 0.5, loss, accuracy, accuracy, 0.1, 1.0, 100.0, 0.0)


def test_average_of_constant_weights_is_those_weights() -> None:
    """A model that stands still is its own average, buffers included."""
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = WeightAverage(model, decay=0.9)
    for _ in range(3):
        average.update(model)
    for name, value in average.model.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name


def test_average_follows_with_growing_decay() -> None:
    """The first step takes min(decay, 2/11) of the past."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = WeightAverage(model, decay=0.99)
    nn.init.ones_(model.weight)
    average.update(model)
    assert average.model.weight.item() == pytest.approx(1 - 2 / 11)


def test_best_epoch_by_loss_and_patience() -> None:
    """Smaller losses are better; patience counts epochs without improvement."""
    best = BestEpoch("val_loss", patience=2)
    improved = [best.update(record(epoch, loss, 0.5)) for epoch, loss in enumerate([1.0, 0.8, 0.9, 0.85])]
    assert improved == [True, True, False, False]
    assert best.exhausted


def test_best_epoch_by_accuracy_needs_min_delta() -> None:
    """A gain of no more than min_delta is none."""
    best = BestEpoch("val_accuracy", min_delta=0.01)
    assert best.update(record(1, 1.0, 0.50))
    assert not best.update(record(2, 1.0, 0.505))
    assert best.update(record(3, 1.0, 0.52))
    assert not best.exhausted


def test_phases_cover_all_epochs() -> None:
    """Two of five epochs frozen leave three at a tenth of the rate."""
    config = Config.model_validate({"training": {"epochs": 5, "freeze_epochs": 2}, "optimizer": {"lr": 0.01}})
    head, fine = plan_phases(config)
    assert (head.first_epoch, head.epochs, head.frozen, head.lr) == (0, 2, True, 0.01)
    assert (fine.first_epoch, fine.epochs, fine.frozen, fine.lr) == (2, 3, False, 0.001)
    assert [phase.share(0.4, 5) for phase in (head, fine)] == [1.0, 0.0]
    assert fine.share(0.7, 5) == pytest.approx(0.5)


def test_budget_counts_the_time_before_a_resume() -> None:
    """Half of the limit used before leaves half, less what the last validation takes."""
    budget = Budget(epochs=3, limit=100.0)
    budget.start(before=45.0)
    budget.reserve = 10.0
    assert budget.by_time() == pytest.approx(0.5, abs=0.01)
    assert Budget(epochs=3, limit=None).by_time() == 0.0


def test_mixing_gives_probabilities_that_sum_to_one() -> None:
    """Mixup and CutMix make soft targets; without them labels pass through."""
    images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 1])
    mixed, targets = BatchMixing(AugmentConfig(mixup=0.2, cutmix=1.0), 3)(images, labels)
    assert mixed.shape == images.shape
    assert torch.allclose(targets.sum(dim=1), torch.ones(4))
    same, kept = BatchMixing(AugmentConfig(), 3)(images, labels)
    assert same is images
    assert kept is labels


def test_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    """Tensors and plain values survive the file."""
    path = tmp_path / "last.ckpt"
    save_checkpoint(path, {"weights": torch.arange(3.0), "epoch": 2, "names": ["a"]})
    state = load_checkpoint(path)
    assert torch.equal(state["weights"], torch.arange(3.0))
    assert (state["epoch"], state["names"]) == (2, ["a"])


def test_missing_checkpoint_says_how_to_start(tmp_path: Path) -> None:
    """Nothing to resume is a sentence with a way out."""
    with pytest.raises(RunError, match=r"there is no checkpoint to resume from\. Start the training again"):
        load_checkpoint(tmp_path / "last.ckpt")


def test_hostile_checkpoint_is_refused_and_not_run(tmp_path: Path) -> None:
    """A pickle that would run a command is refused unread."""

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(tmp_path / "pwned"),)

    path = tmp_path / "last.ckpt"
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(RunError, match="not a checkpoint that can be resumed"):
        load_checkpoint(path)
    torch.save({"format": 1, "x": Hostile()}, path)
    with pytest.raises(RunError, match="not a checkpoint that can be resumed"):
        load_checkpoint(path)
    assert not (tmp_path / "pwned").exists()


def test_half_a_checkpoint_is_refused(tmp_path: Path) -> None:
    """A file cut short names the model that is still there."""
    path = tmp_path / "last.ckpt"
    save_checkpoint(path, {"weights": torch.zeros(1000)})
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(RunError, match=r"imgclf train --weights .*model\.safetensors"):
        load_checkpoint(path)


def test_checkpoint_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """The message says to update."""
    path = tmp_path / "last.ckpt"
    torch.save({"format": 99}, path)
    with pytest.raises(RunError, match=r"written by a newer imgclf \(checkpoint format 99"):
        load_checkpoint(path)


def test_precision_probe_leaves_the_model_alone() -> None:
    """Timing a few steps changes neither weights, statistics nor random numbers."""
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout()
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    precision, reason = choose_precision("auto", "cpu", model, (3, 16, 16))
    assert torch.equal(torch.rand(1), expected)
    assert precision in ("fp32", "bf16")
    assert reason
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert choose_precision("fp32", "cpu", model, (3, 16, 16)) == ("fp32", "asked for")


def test_ties_for_the_best_epoch_are_broken_by_the_loss() -> None:
    """Of epochs with one accuracy the smaller loss is the best; patience counts the accuracy alone."""
    best, stopping = BestEpoch("val_accuracy", ties_by_loss=True), BestEpoch("val_accuracy", patience=2)
    epochs = [record(1, 0.6, 1.0), record(2, 0.7, 1.0), record(3, 0.04, 1.0), record(4, 0.01, 0.9)]
    assert [best.update(epoch) for epoch in epochs] == [True, False, True, False]
    assert [stopping.update(epoch) for epoch in epochs] == [True, False, False, False]


def test_an_average_steps_once_where_a_module_is_used_twice() -> None:
    """Two names for one tensor are one tensor."""
    layer = nn.Linear(1, 1, bias=False)
    model = nn.ModuleDict({"first": layer, "second": layer})
    nn.init.zeros_(layer.weight)
    average = WeightAverage(model, decay=0.99)
    nn.init.ones_(layer.weight)
    average.update(model)
    assert average.model.state_dict()["second.weight"].item() == pytest.approx(1 - 2 / 11)


def _threads(*_: object) -> int:
    return torch.get_num_threads()


def test_training_uses_no_more_threads_than_cores_it_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's quota is less than what torch counts; fewer threads that were asked for stay."""
    hardware = HardwareConfig(device="cpu", precision="fp32")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        monkeypatch.setattr("imgclf.training.processes.launch.cores", lambda: 2)
        assert launch(hardware, SilentReporter(), _threads) == 2
        torch.set_num_threads(1)
        assert launch(hardware, SilentReporter(), _threads) == 1
    finally:
        torch.set_num_threads(before)
