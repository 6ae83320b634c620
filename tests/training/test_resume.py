"""Resuming: the schedule of the whole run, what may change and what may not, and when nothing is left to do."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from imgclf.errors import RunError, StoppedError, UsageError
from imgclf.recipes import Config, apply_overrides, load_config_file
from imgclf.runs import Run, list_runs, read_header
from imgclf.training import resume, train
from imgclf.training.run.changes import APPLIED, BETWEEN_EPOCHS, REFUSED
from tests.history import read_history
from tests.training import runs
from tests.training.runs import Listener, stopped_at

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "resume.md"
# Another value for every row of the page's table.
OTHER: dict[str, Any] = {
    "data.dataset": "elsewhere",
    "data.image_column": "image",
    "data.label_column": "label",
    "data.class_depth": 1,
    "data.split_column": "split",
    "data.group_column": "patient",
    "data.val_fraction": 0.3,
    "data.val_from": "train",
    "data.balance": "weights",
    "data.on_error": "fail",
    "data.workers": 0,
    "data.memory_budget_gb": 2.0,
    "model": ("model.name", "resnet18"),
    "head": ("head.dropout", 0.1),
    "image": ("image.size", 64),
    "augment": ("augment.mixup", 0.2),
    "loss": ("loss.label_smoothing", 0.1),
    "optimizer": ("optimizer.name", "sgd"),
    "optimizer.lr": 0.01,
    "scheduler": ("scheduler.name", "none"),
    "training.epochs": 4,
    "training.batch_size": 6,
    "training.probe": "yes",
    "training.folds": 3,
    "training.seed": 1,
    "training.monitor": "val_loss",
    "training.freeze_epochs": 1,
    "training.finetune_lr": 1e-5,
    "training.clip_grad_norm": 1.0,
    "training.accumulate": 2,
    "training.ema": 0.5,
    "training.max_time": "10m",
    "training.compile": None,  # needs a compiler and minutes; it changes no result
    "training.early_stopping": ("training.early_stopping.patience", 9),
    "hardware": ("hardware.strategy", "ddp"),
}


def config_for(shapes: Path, **sections: Mapping[str, Any]) -> Config:
    """The tiny config with timm's tiniest network: these tests train often."""
    return runs.config_for(shapes, **{"model": {"name": "test_resnet"}, **sections})


def table() -> dict[str, str]:
    """The rows of the page: setting -> what happens, as its first word(s)."""
    rows = re.findall(r"^\| `([\w.]+)`[^|]*\|\s*(applied|between epochs|refused)", PAGE.read_text(), re.M)
    return dict(rows)


def rows_that_are(verdict: str) -> list[str]:
    """The settings of the page with this verdict."""
    return [setting for setting, found in table().items() if found == verdict]


def changed(run: Run, setting: str, **flags: Any) -> tuple[str, Config]:
    """The run's config with another value for the setting; the key that was changed and the config."""
    other = OTHER[setting]
    key, value = other if isinstance(other, tuple) else (setting, other)
    return key, apply_overrides(load_config_file(run.path), {key: value, **flags})


@pytest.fixture(scope="module")
def stopped_in_mid_epoch(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of three epochs of six steps, stopped in the second step of its second."""
    out = tmp_path_factory.mktemp("stopped") / "runs"
    with stopped_at(8), pytest.raises(StoppedError, match=r"Stopped in epoch 2 after step 2"):
        train(config_for(shapes, training={"epochs": 3}), out=out)
    return list_runs(out)[0]


@pytest.fixture
def mid_epoch(stopped_in_mid_epoch: Run, tmp_path: Path) -> Run:
    """A copy of it that a test may train on."""
    return Run(Path(shutil.copytree(stopped_in_mid_epoch.path, tmp_path / "runs" / "stopped")))


def test_the_page_has_a_row_for_every_setting() -> None:
    """The table of docs/howto/resume.md is that of the code, and no setting of the config is without a rule."""
    expected = (
        dict.fromkeys(APPLIED, "applied")
        | dict.fromkeys(BETWEEN_EPOCHS, "between epochs")
        | dict.fromkeys(REFUSED, "refused")
    )
    assert table() == expected
    assert expected.keys() == OTHER.keys()
    for section, values in Config().model_dump().items():
        for key in values:
            assert {section, f"{section}.{key}"} & expected.keys(), f"{section}.{key}"


@pytest.mark.parametrize("setting", rows_that_are("refused"))
def test_a_refused_change_is_told_with_its_reason(mid_epoch: Run, setting: str) -> None:
    """The key, the value that stays, why, and how to go on instead; nothing is written."""
    key, config = changed(mid_epoch, setting)
    before = mid_epoch.config.read_text()
    with pytest.raises(
        RunError,
        match=rf"cannot be resumed like that\. {key} is .+ and stays so: .+\. Leave that out, or .*--weights",
    ):
        resume(mid_epoch, config)
    assert mid_epoch.config.read_text() == before


@pytest.mark.parametrize("setting", rows_that_are("between epochs"))
def test_a_change_of_the_batches_waits_for_the_end_of_the_epoch(
    mid_epoch: Run, shapes_run_copy: Run, setting: str
) -> None:
    """In mid-epoch it would repeat and leave out images; where an epoch begins it is applied and recorded."""
    key, config = changed(mid_epoch, setting)
    with pytest.raises(
        RunError, match=rf"{key} is .+ stays so until epoch 2 is over, of which 2 steps are trained"
    ):
        resume(mid_epoch, config)
    key, config = changed(shapes_run_copy, setting, **{"training.epochs": 5})
    assert len(resume(shapes_run_copy, config).history) == 5
    assert recorded(shapes_run_copy, key) == OTHER[setting]


@pytest.mark.parametrize("setting", [row for row in rows_that_are("applied") if row != "training.compile"])
def test_an_applied_change_is_said_and_recorded(mid_epoch: Run, shapes: Path, setting: str) -> None:
    """In the middle of an epoch, for every setting of the table; the run's own files then say what it is trained with."""
    key, config = changed(mid_epoch, setting)
    if setting == "data.dataset":
        moved = shutil.copytree(shapes, "elsewhere/shapes")
        config = apply_overrides(config, {key: moved})
    listener = Listener()
    result = resume(mid_epoch, config, reporter=listener)
    assert [record.epoch for record in result.history] == list(range(1, 1 + config.training.epochs))
    assert any(f"Changed: {key}" in message for message in listener.messages), listener.messages
    expected = str(Path(moved).resolve()) if setting == "data.dataset" else value_of(config, key)
    assert recorded(mid_epoch, key) == expected
    header = json.loads(torch.load(mid_epoch.checkpoint, weights_only=True)["header"])
    assert header["provenance"]["resumed"][0]["after_epoch"] == 1
    assert header["provenance"]["resumed"][0]["changed"][key][1] == expected


def value_of(config: Config, key: str) -> Any:
    """The value at a dotted key, as TOML would hold it."""
    value: Any = config.to_toml_dict()
    for name in key.split("."):
        value = value[name]
    return value


def recorded(run: Run, key: str) -> Any:
    """The value in the run's config.toml, which is that of the checkpoint's header too."""
    header = json.loads(torch.load(run.checkpoint, weights_only=True)["header"])
    inside: Any = header["provenance"]["config"]
    for name in key.split("."):
        inside = inside[name]
    assert inside == value_of(load_config_file(run.path), key)
    return inside


@pytest.mark.parametrize(
    ("sections", "stop"),
    [
        ({"scheduler": {"name": "CosineAnnealingLR", "warmup_epochs": 0.5}, "training": {"ema": 0.9}}, None),
        ({"scheduler": {"name": "OneCycleLR"}, "training": {"freeze_epochs": 1}}, 8),
        ({"scheduler": {"name": "ReduceLROnPlateau", "patience": 0, "threshold": 9.0}}, 8),
        ({"training": {"accumulate": 4}}, None),
    ],
)
def test_more_epochs_have_the_rates_of_a_run_that_was_that_long_from_the_start(
    shapes: Path, tmp_path: Path, sections: Mapping[str, Mapping[str, Any]], stop: int | None
) -> None:
    """Two epochs and then two more, or a stop in the second: the last two have the learning rates of a run of four."""

    def config(epochs: int) -> Config:
        training = {**sections.get("training", {}), "epochs": epochs}
        return config_for(shapes, **{**sections, "training": training})

    whole = train(config(4), out=tmp_path / "whole")
    if stop is None:
        train(config(2), out=tmp_path / "parts")
    else:
        with stopped_at(stop), pytest.raises(StoppedError, match="Stopped in epoch 2"):
            train(config(2), out=tmp_path / "parts")
    listener = Listener()
    run = list_runs(tmp_path / "parts")[0]
    result = resume(run, config(4), reporter=listener)
    assert [record.lr for record in result.history][2:] == [record.lr for record in whole.history][2:]
    assert "The learning rate goes on as in a run of 4 epochs from the start." in listener.messages
    assert read_header(run.model_file).provenance["config"]["training"]["epochs"] in (2, 4)


def test_more_time_lays_the_schedule_over_it(shapes: Path, tmp_path: Path) -> None:
    """A run of a second is refused another half, and with an hour its rate is near the highest again."""
    config = config_for(shapes, training={"epochs": 1000, "max_time": "1s"}, optimizer={"lr": 1e-3})
    first = train(config, out=tmp_path)
    run = first.run
    assert first.history[-1].lr < 0.5 * 1e-3
    shorter = apply_overrides(load_config_file(run.path), {"training.max_time": "0.5s"})
    with pytest.raises(
        RunError,
        match=r"already used its time, \d s of training\.max_time = 0\.5s\. To train longer: .*--max-time 1m",
    ):
        resume(run, shorter)
    longer = apply_overrides(load_config_file(run.path), {"training.max_time": "1h"})
    with stopped_at(2), pytest.raises(StoppedError):
        resume(run, longer)
    optimizer = torch.load(run.checkpoint, weights_only=True)["trainer"]["optimizer"]
    assert optimizer["param_groups"][0]["lr"] > 0.9 * 1e-3


def test_a_schedule_of_fixed_length_is_told(shapes: Path, tmp_path: Path) -> None:
    """Where the config itself says how long the schedule is, more epochs do not stretch it, and that is said."""
    config = config_for(shapes, scheduler={"name": "CosineAnnealingLR", "T_max": 12}, training={"epochs": 1})
    run = train(config, out=tmp_path).run
    listener = Listener()
    resume(run, apply_overrides(load_config_file(run.path), {"training.epochs": 2}), reporter=listener)
    assert any("does not follow the epochs: scheduler.T_max = 12" in text for text in listener.messages)


def test_a_run_stopped_again_goes_on_by_the_command_it_prints(
    mid_epoch: Run, run_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More epochs, a stop among them, and then the printed command as it stands."""
    run_path = mid_epoch.path.relative_to(Path.cwd())
    with stopped_at(20):
        stopped = run_cli("train", "--resume", run_path, "--epochs", 5)
    assert stopped.code == 143
    command = re.search(r"Continue with: imgclf (train --resume .+)", stopped.err)
    assert command is not None
    result = run_cli(*command[1].split())
    assert result.code == 0, result.err
    assert [row["epoch"] for row in read_history(mid_epoch)] == [1, 2, 3, 4, 5]
    assert mid_epoch.read_metrics()["status"] == "finished"


def test_patience_that_is_used_up_is_told_before_another_epoch(shapes: Path, tmp_path: Path) -> None:
    """A run that stopped early does not train one more epoch to find that out again; more patience goes on."""
    config = config_for(
        shapes,
        optimizer={"name": "SGD", "lr": 1e-12},
        training={"epochs": 20, "early_stopping": {"patience": 1, "min_delta": 0.5}},
    )
    run = train(config, out=tmp_path).run
    with pytest.raises(
        RunError, match=r"stopped early, since val_accuracy has not improved for 1 epochs .*--patience 2"
    ):
        resume(run, load_config_file(run.path))
    more = apply_overrides(load_config_file(run.path), {"training.early_stopping.patience": 2})
    assert len(resume(run, more).history) == 3


def test_what_is_left_open_stays_as_the_run_settled_it(mid_epoch: Run) -> None:
    """``auto`` is no change: rate, network, size, device and precision are the run's own."""
    open_again = {
        "optimizer.lr": "auto",
        "model.name": "auto",
        "image.size": "auto",
        "hardware.device": "auto",
        "hardware.precision": "auto",
    }
    listener = Listener()
    resume(mid_epoch, apply_overrides(load_config_file(mid_epoch.path), open_again), reporter=listener)
    assert not any("Changed" in message for message in listener.messages)


def test_images_that_can_no_longer_be_read_in_mid_epoch_are_told(
    shapes: Path, tmp_path: Path, mid_epoch: Run
) -> None:
    """The epoch's batches would be others."""
    data = Path(shutil.copytree(shapes, tmp_path / "data"))
    for file in sorted((data / "train" / "circle").iterdir())[::2]:
        file.write_bytes(b"no image")
    config = apply_overrides(load_config_file(mid_epoch.path), {"data.dataset": str(data)})
    with pytest.raises(
        RunError, match=r"in the middle of epoch 2, when 54 training images could be read; now \d+ can be"
    ):
        resume(mid_epoch, config)


def test_a_device_that_is_not_there_is_told(mid_epoch: Run) -> None:
    """A run from a GPU that is resumed where there is none."""
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError, match="There is no device 'cuda' on this machine"):
        resume(mid_epoch, apply_overrides(load_config_file(mid_epoch.path), {"hardware.device": "cuda"}))


def test_a_dry_run_is_no_resume(run_cli: Any, mid_epoch: Run) -> None:
    """Both at once would train."""
    result = run_cli("train", "--resume", mid_epoch.path, "--dry-run")
    assert result.code == 2
    assert "--dry-run looks at a run before it begins: leave out --resume." in result.err


def test_resume_for_more_epochs(shapes_run_copy: Run) -> None:
    """A finished run goes on when it is given more epochs."""
    longer = apply_overrides(load_config_file(shapes_run_copy.path), {"training.epochs": 5})
    result = resume(shapes_run_copy, longer)
    assert [record.epoch for record in result.history] == [1, 2, 3, 4, 5]


def test_resume_of_a_finished_run_says_how_to_train_longer(shapes_run_copy: Run) -> None:
    """Nothing is left to do, and the sentence names the flag."""
    with pytest.raises(RunError, match=r"already finished its 4 epochs\. To train longer: .* --epochs 8"):
        resume(shapes_run_copy, load_config_file(shapes_run_copy.path))


def test_resume_refuses_other_classes(shapes: Path, shapes_run_copy: Run, tmp_path: Path) -> None:
    """A class more or less would shift labels silently."""
    changed_data = Path(shutil.copytree(shapes, tmp_path / "changed"))
    for split in ("train", "test"):
        (changed_data / split / "circle").rename(changed_data / split / "disc")
    with pytest.raises(
        RunError, match=r"its classes are circle, square, triangle; the data now has disc, square"
    ):
        resume(shapes_run_copy, _longer_on(shapes_run_copy, changed_data))


def test_resume_refuses_other_images(shapes: Path, shapes_run_copy: Run, tmp_path: Path) -> None:
    """An image that left the folder changes the split."""
    changed_data = Path(shutil.copytree(shapes, tmp_path / "changed"))
    (changed_data / "train" / "circle" / "00.png").unlink()
    with pytest.raises(
        RunError, match="the images, their labels or their split are not those that it began with"
    ):
        resume(shapes_run_copy, _longer_on(shapes_run_copy, changed_data))


def _longer_on(run: Run, data: Path) -> Config:
    return apply_overrides(load_config_file(run.path), {"data.dataset": str(data), "training.epochs": 6})
