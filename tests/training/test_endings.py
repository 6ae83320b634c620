"""Every end of a run is told and leaves a true status, and what would fail at the end fails before the first step."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from imgclf.errors import ConfigError, DivergenceError, RunError, StoppedError
from imgclf.models import classifier_from_header
from imgclf.recipes import load_config_file
from imgclf.runs import list_runs, read_header, read_weights
from imgclf.training import resume, train
from imgclf.training.run.checkpoint import remove_unfinished
from tests.training.runs import Listener, config_for, stopped_at

ROOT = Path(__file__).parents[2]
TINY = {"name": "test_resnet"}


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked")
def test_a_hundred_kills_inside_a_save_lose_nothing(tmp_path: Path) -> None:
    """SIGKILL at random moments of saving: checkpoint and model file are whole and as new as was acknowledged."""
    command = [sys.executable, "-m", "tests.training.killed_saves", str(tmp_path), "100"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    killed = re.fullmatch(r"100 killed, (\d+) inside a save, 0 lost\n", done.stdout)
    assert killed is not None
    assert int(killed[1]) > 20


def test_what_a_killed_save_left_is_removed_on_resuming(shapes: Path, tmp_path: Path) -> None:
    """Half a checkpoint may be gigabytes; the whole one stays."""
    with stopped_at(2), pytest.raises(StoppedError):
        train(config_for(shapes, model=TINY), out=tmp_path)
    (run,) = list_runs(tmp_path)
    half = run.path / ".last.ckpt.x1y2z3"
    half.write_bytes(b"half")
    remove_unfinished(tmp_path)  # another folder
    assert half.exists()
    resume(run, load_config_file(run.path))
    assert not half.exists()
    assert [file.name for file in run.path.iterdir() if file.name.startswith(".")] == []


def test_an_error_that_is_not_ours_leaves_a_true_status(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect shows as itself, and the run does not say for ever that it is running."""
    from imgclf.training.loop.trainer import Trainer

    def broken(*_: Any) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(Trainer, "_take_step", broken)
    with pytest.raises(ZeroDivisionError):
        train(config_for(shapes, model=TINY), out=tmp_path)
    (run,) = list_runs(tmp_path)
    assert run.read_metrics()["status"] == "failed"


def test_a_model_file_that_cannot_be_written_is_told_before_the_first_step(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk without room for the weights costs no epoch."""
    import imgclf.training.run.recorder as recorder

    def full(path: Path, *_: Any) -> None:
        raise RunError(f"{path}: could not be written (No space left on device)")

    monkeypatch.setattr(recorder, "save_model_file", full)
    listener = Listener()
    with pytest.raises(RunError, match="No space left on device"):
        train(config_for(shapes, model=TINY), out=tmp_path, reporter=listener)
    assert listener.epochs == []


def test_a_network_that_uses_a_module_twice_is_trained_saved_and_read(shapes: Path, tmp_path: Path) -> None:
    """coat_tiny: two names for one tensor, with averaged weights too."""
    config = config_for(
        shapes,
        model={"name": "coat_tiny", "args": {"serial_depths": [1, 1, 1, 1], "parallel_depth": 1}},
        image={"size": 32},
        training={"epochs": 1, "batch_size": 27, "ema": 0.9},
    )
    run = train(config, out=tmp_path).run
    weights = read_weights(run.model_file)
    classifier = classifier_from_header(read_header(run.model_file), weights)
    assert all(torch.equal(value, weights[name]) for name, value in classifier.state_dict().items())


@pytest.mark.parametrize(("optimizer", "lr"), [("adamw", 1e38), ("SGD", 1e38), ("SGD", 1e20)])
def test_a_rate_that_is_far_too_high_ends_as_diverged(
    shapes: Path, tmp_path: Path, optimizer: str, lr: float
) -> None:
    """No traceback and no model that answers NaN."""
    config = config_for(shapes, model=TINY, optimizer={"name": optimizer, "lr": lr}, training={"epochs": 1})
    with pytest.raises(DivergenceError, match=r"NaN or infinite|is too large for the numbers of the network"):
        train(config, out=tmp_path)
    (run,) = list_runs(tmp_path)
    assert run.read_metrics()["status"] == "failed"
    assert not run.model_file.exists()


def test_a_validation_loss_that_is_not_a_number_is_never_the_best(shapes: Path, tmp_path: Path) -> None:
    """The last step of the only epoch breaks the weights: the run ends as diverged and keeps nothing."""
    config = config_for(
        shapes,
        model=TINY,
        optimizer={"name": "SGD", "lr": 1e30},
        scheduler={"name": "none"},
        training={"epochs": 1, "batch_size": 54},
    )
    with pytest.raises(
        DivergenceError, match=r"The validation loss became NaN or infinite in epoch 1 .*No model yet"
    ):
        train(config, out=tmp_path)
    (run,) = list_runs(tmp_path)
    assert not run.model_file.exists()


def test_batches_of_one_image_are_refused_where_batch_norm_cannot_take_them(
    shapes: Path, tmp_path: Path, run_cli: Any
) -> None:
    """A last map of one pixel leaves one value to take a mean of; the dry run says it too."""
    config = config_for(shapes, model=TINY, training={"batch_size": 1})
    with pytest.raises(
        ConfigError, match=r"batches of 1 are too small for test_resnet .* Use --batch-size 2 or more"
    ):
        train(config, out=tmp_path)
    flags = (
        "--data",
        shapes,
        "--model",
        "test_resnet",
        "--no-pretrained",
        "--batch-size",
        1,
        "--device",
        "cpu",
    )
    result = run_cli("train", *flags, "--dry-run")
    assert result.code == 1
    assert "batches of 1 are too small for test_resnet" in result.err


@pytest.mark.parametrize("batch", [18, 9, 12])
def test_accumulated_gradients_are_the_mean_over_their_images(
    shapes: Path, tmp_path: Path, batch: int
) -> None:
    """All 54 images in one step: as 3 batches of 18, 6 of 9 or (fewer than planned) 5 of 12 and less, the same step."""

    def trained(batch_size: int, accumulate: int) -> dict[str, torch.Tensor]:
        config = config_for(
            shapes,
            model={"name": "test_vit"},  # no batch norm, which looks at one batch at a time
            optimizer={"name": "SGD", "lr": 0.5},
            scheduler={"name": "none"},
            image={"size": 32},
            training={"epochs": 1, "batch_size": batch_size, "accumulate": accumulate},
        )
        run = train(config, out=tmp_path).run
        return read_weights(run.model_file)

    whole, parts = trained(54, 1), trained(batch, 8)
    for name, value in whole.items():
        assert torch.allclose(value, parts[name], atol=1e-5), name
