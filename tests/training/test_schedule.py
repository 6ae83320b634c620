"""Schedules: torch's by name, moved by the share of training done."""

import pytest
import torch

from imgclf.errors import ConfigError
from imgclf.recipes.config import SchedulerConfig
from imgclf.training.schedule import Schedule

EPOCHS, STEPS = 4, 10


def make(name: str, **arguments: object) -> Schedule:
    """A schedule over 4 epochs of 10 steps with a rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = Schedule(optimizer, SchedulerConfig.model_validate({"name": name, **arguments}), EPOCHS, STEPS)
    optimizer.step()  # torch warns of a schedule that moves before the optimiser does
    return schedule


def rates(schedule: Schedule) -> list[float]:
    """The rate before each step of the whole run."""
    found = []
    for step in range(EPOCHS * STEPS):
        schedule.advance_to(step / (EPOCHS * STEPS))
        found.append(schedule.lr)
    return found


def test_one_cycle_is_laid_out_over_all_steps() -> None:
    """The same rates as torch's own scheduler stepped by hand."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=EPOCHS * STEPS)
    expected = []
    for _ in range(EPOCHS * STEPS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(expected) < EPOCHS * STEPS:
            reference.step()
    assert rates(make("OneCycleLR")) == pytest.approx(expected)


def test_step_lr_steps_by_epoch() -> None:
    """Halving every two epochs halves at the start of the third."""
    assert rates(make("StepLR", step_size=2, gamma=0.5)) == [1.0] * 20 + [0.5] * 20


def test_linear_lr_can_step_by_batch() -> None:
    """``interval`` overrides the habit of a schedule."""
    found = rates(make("LinearLR", start_factor=0.5, total_iters=4, interval="step"))
    assert found[:6] == pytest.approx([0.5, 0.625, 0.75, 0.875, 1.0, 1.0])


def test_warm_up_rises_before_the_schedule() -> None:
    """One epoch of rise, then cosine down to the end."""
    found = rates(make("CosineAnnealingLR", warmup_epochs=1))
    assert found[0] == pytest.approx(1e-3)
    assert found[:10] == sorted(found[:10])
    assert max(found) == pytest.approx(found[10], rel=1e-6)
    assert found[-1] < 0.02


def test_progress_by_time_skips_positions() -> None:
    """A jump in progress lands where the schedule would have been."""
    jumped, walked = make("CosineAnnealingLR"), make("CosineAnnealingLR")
    jumped.advance_to(0.6)
    for step in range(25):
        walked.advance_to(step / 40)
    assert jumped.lr == pytest.approx(walked.lr)


def test_plateau_follows_its_metric_only() -> None:
    """The rate falls when the loss stands still, whatever the progress."""
    schedule = make("ReduceLROnPlateau", factor=0.1, patience=0)
    schedule.advance_to(0.9)
    schedule.on_validation({"val_loss": 1.0})
    assert schedule.lr == 1.0
    schedule.on_validation({"val_loss": 1.0})
    assert schedule.lr == pytest.approx(0.1)


def test_resumes_where_it_stood() -> None:
    """State that goes through a dictionary gives the same rates afterwards."""
    whole, first = make("OneCycleLR"), make("OneCycleLR")
    whole.advance_to(0.5)
    first.advance_to(0.25)
    second = make("OneCycleLR")
    second.load_state_dict(first.state_dict())
    second.advance_to(0.5)
    assert second.lr == whole.lr


def test_a_longer_run_lays_the_schedule_out_anew() -> None:
    """Resuming for more epochs anneals over all of them."""
    short = make("CosineAnnealingLR")
    short.advance_to(1.0)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    longer = Schedule(optimizer, SchedulerConfig(name="CosineAnnealingLR"), 2 * EPOCHS, STEPS)
    optimizer.step()
    longer.load_state_dict(short.state_dict())
    longer.advance_to(0.5)
    assert longer.lr == pytest.approx(0.5)


def test_none_keeps_the_rate() -> None:
    """No schedule is a schedule too."""
    assert set(rates(make("none"))) == {1.0}


def test_unknown_schedule_suggests_the_nearest() -> None:
    """A mistyped name names the one that was meant."""
    with pytest.raises(ConfigError, match=r"unknown schedule 'OneCycle'\. Did you mean 'OneCycleLR'\?"):
        make("OneCycle")


def test_unfitting_arguments_are_named() -> None:
    """A keyword that the class lacks is an error of the config."""
    with pytest.raises(ConfigError, match=r"scheduler: StepLR does not take these arguments \(.*step"):
        make("StepLR", steps=3)


def test_warm_up_needs_a_schedule_by_step() -> None:
    """The message names both ways out."""
    with pytest.raises(
        ConfigError, match=r"Set scheduler\.interval to 'step', or scheduler\.warmup_epochs to 0"
    ):
        make("StepLR", step_size=2, warmup_epochs=1)


def test_unknown_plateau_metric_suggests_the_nearest() -> None:
    """Only columns of the history can be watched."""
    schedule = make("ReduceLROnPlateau", monitor="val_los")
    with pytest.raises(ConfigError, match=r"unknown metric 'val_los'\. Did you mean 'val_loss'\?"):
        schedule.on_validation({"val_loss": 1.0, "val_accuracy": 0.5})
