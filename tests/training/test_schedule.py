"""Schedules: torch's by name, moved by the share of training done."""

import pytest
import torch

from imgclf.errors import ConfigError
from imgclf.recipes.config import SchedulerConfig
from imgclf.training.loop.optimizers import load_optimizer
from imgclf.training.loop.schedule import Schedule, scheduler_names

EPOCHS, STEPS = 4, 10
# Without these a schedule is refused, or would stand still in four epochs.
ARGUMENTS: dict[str, dict[str, object]] = {
    "StepLR": {"step_size": 1, "gamma": 0.5},
    "MultiStepLR": {"milestones": [1, 3]},
    "ExponentialLR": {"gamma": 0.9},
    "CosineAnnealingWarmRestarts": {"T_0": 3},
    "CyclicLR": {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 7},
    "LinearLR": {"total_iters": 4},
    "ConstantLR": {"total_iters": 3},
    "ReduceLROnPlateau": {"patience": 0, "factor": 0.5},
}


def make(name: str, *, epochs: int = EPOCHS, stepped: bool = True, **arguments: object) -> Schedule:
    """A schedule over 4 epochs of 10 steps with a rate of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    schedule = Schedule(optimizer, SchedulerConfig.model_validate({"name": name, **arguments}), epochs, STEPS)
    if stepped:
        optimizer.step()  # torch warns of a schedule that moves before the optimiser does
    return schedule


def rates_with_losses(schedule: Schedule, first: int, last: int) -> list[float]:
    """The rate at each step of epochs ``first`` to ``last``, with a loss that falls every other epoch."""
    found = []
    for step in range(first * STEPS, last * STEPS):
        found.append(schedule.lr)
        schedule.advance_to((step + 1) / (last * STEPS))
        if (step + 1) % STEPS == 0:
            schedule.on_validation({"val_loss": 1.0 - (step // STEPS) // 2 * 0.1})
    return found


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


@pytest.mark.parametrize("warmup", [0.0, 1.0])
@pytest.mark.parametrize("name", scheduler_names())
def test_a_resumed_run_has_the_rates_of_one_that_was_that_long_from_the_start(
    name: str, warmup: float
) -> None:
    """Every schedule of torch: after half of the epochs it goes on as a run of all of them, warm-up included."""
    arguments: dict[str, object] = {**ARGUMENTS.get(name, {})}
    if warmup and name != "ReduceLROnPlateau":
        arguments |= {"warmup_epochs": warmup, "interval": "step"}
    whole = make(name, **arguments)
    expected = rates_with_losses(whole, 0, EPOCHS)
    half = make(name, epochs=EPOCHS // 2, **arguments)
    rates_with_losses(half, 0, EPOCHS // 2)
    resumed = make(name, stepped=False, **arguments)
    resumed.restore(0.5, half.watched)
    assert rates_with_losses(resumed, EPOCHS // 2, EPOCHS) == expected[len(expected) // 2 :]


def test_an_optimiser_keeps_its_moments_and_not_the_rate_of_a_schedule() -> None:
    """What Adam has gathered comes back; the annealed rate does not, or the next schedule would start from it."""
    weight = torch.nn.Parameter(torch.ones(1))
    first = torch.optim.Adam([weight], lr=0.5)
    schedule = Schedule(first, SchedulerConfig(name="CosineAnnealingLR"), 1, 10)
    weight.sum().backward()
    first.step()
    schedule.advance_to(1.0)
    second = torch.optim.Adam([weight], lr=0.25)
    load_optimizer(second, first.state_dict())
    assert second.param_groups[0]["lr"] == 0.25
    assert "initial_lr" not in second.param_groups[0]
    assert torch.equal(second.state[weight]["exp_avg"], first.state[weight]["exp_avg"])


def test_a_one_cycle_shorter_than_the_run_is_refused() -> None:
    """It has no rate after its end."""
    with pytest.raises(
        ConfigError, match=r"scheduler\.total_steps: 30 is less than the 40 steps .* Leave it out"
    ):
        make("OneCycleLR", total_steps=30)


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


@pytest.mark.parametrize(
    ("steps", "rise"), [(5, 0.2), (10, 0.1), (2, 0.5), (1, 0.3), (3, 0.3), (5, 1.0), (5, 0.0)]
)
@pytest.mark.parametrize("three_phase", [False, True])
def test_a_one_cycle_of_few_steps_has_a_rate_at_each(steps: int, rise: float, three_phase: bool) -> None:
    """A rise of exactly one step divides by zero in torch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)
    config = SchedulerConfig(name="OneCycleLR", pct_start=rise, three_phase=three_phase)
    schedule = Schedule(optimizer, config, 1, steps)
    optimizer.step()
    found = []
    for step in range(steps):
        schedule.advance_to(step / steps)
        found.append(schedule.lr)
    assert all(0 < rate <= 1.0 + 1e-9 for rate in found)
