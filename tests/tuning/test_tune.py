"""Searches over real, tiny trainings: what they write, how they end, how they go on."""

import os
import signal
import tomllib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imgclf.errors import ConfigError, ModelError, RunError, StoppedError
from imgclf.recipes import Config, load_recipe
from imgclf.records import EpochRecord, Progress
from imgclf.runs import list_runs, open_run
from imgclf.training import train
from imgclf.tuning import SearchResult, SilentSearchReporter, TrialRecord, parse_space, resume, tune
from imgclf.tuning.reporter import TimeUpError, TrialReporter
from tests.history import read_history

RATES: dict[str, Any] = {"optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}, "head.dropout": [0.0, 0.3]}


def _config(shapes: Path, **training: Any) -> Config:
    return Config.model_validate(
        {
            "data": {"dataset": str(shapes), "val_fraction": 0.25},
            "model": {"name": "cnn3", "pretrained": "no"},
            "image": {"size": 16},
            "augment": {"transforms": []},
            "training": {"epochs": 2, "batch_size": 18, **training},
            "hardware": {"device": "cpu", "precision": "fp32"},
        }
    )


@pytest.fixture(scope="module")
def search(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """A real search of three trials."""
    config = _config(shapes)
    out = tmp_path_factory.mktemp("tuned") / "search"
    return tune(config, parse_space(RATES, config), out=out, trials=3)


def test_it_writes_a_table_a_recipe_pictures_and_a_page(search: SearchResult) -> None:
    """Everything a person needs is in the folder; trial 0 is the recipe as it is."""
    lines = search.files["trials"].read_text().splitlines()
    assert lines[0] == "trial,state,val_accuracy,epochs,seconds,head.dropout,optimizer.lr,reason"
    assert len(lines) == 4
    assert search.trials[0].params == {}
    assert set(search.trials[1].params) == {"optimizer.lr", "head.dropout"}
    assert {trial.state for trial in search.trials} == {"finished"}
    assert search.best.value == max(trial.value or 0 for trial in search.trials)
    for name in ("history", "parameters"):
        with Image.open(search.files[name]) as image:
            assert image.width == 1200
    page = search.files["report"].read_text()
    assert "The recipe as it is" in page
    assert "<script src" not in page
    assert "On 18 val images an accuracy of" in search.note


def test_only_the_best_keeps_its_model(search: SearchResult) -> None:
    """Every run keeps its settings and its history; they are small."""
    runs = list_runs(search.folder / "trials")
    assert [run.name for run in runs] == ["0000", "0001", "0002"]
    assert [run.name for run in runs if run.model_file.exists()] == [search.run.name]
    assert all(len(read_history(run)) == 2 for run in runs)
    assert not (search.folder / "trials" / "unfinished").exists()


def test_the_best_recipe_trains_to_the_same_result(search: SearchResult, tmp_path: Path) -> None:
    """`best.toml` is a recipe: it says what it came to, and repeats it."""
    recipe = load_recipe(str(search.files["recipe"]))
    assert recipe.expected_accuracy == f"{search.best.value:.2%} val accuracy"
    assert recipe.summary.startswith("The best of ")
    assert recipe.summary.endswith(" trials of imgclf tune on shapes")
    assert recipe.config.hardware.device == "cpu"
    assert train(recipe.config, out=tmp_path / "again").best.val_accuracy == search.best.value


def test_the_test_split_is_never_read(search: SearchResult) -> None:
    """No trial has a file that speaks of test images but the list of the split."""
    assert not list(search.folder.rglob("predictions*"))
    assert "test was not touched" in search.files["report"].read_text()


class _Interrupting(SilentSearchReporter):
    """Presses Ctrl-C in the first epoch of trial 2."""

    def __init__(self) -> None:
        self.trials: list[TrialRecord] = []

    def trial(self, trial: TrialRecord, improved: bool) -> None:
        self.trials.append(trial)

    def detail(self, text: str) -> None:
        if len(self.trials) == 2 and text.startswith("  epoch   1"):
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_keeps_what_is_done_and_the_search_goes_on_the_same(
    shapes: Path, search: SearchResult, tmp_path: Path
) -> None:
    """Stopped in a trial and resumed, it ends with the trials of a search that never stopped."""
    config = _config(shapes)
    out = tmp_path / "search"
    with pytest.raises(StoppedError) as stop:
        tune(config, parse_space(RATES, config), out=out, trials=3, reporter=_Interrupting())
    assert stop.value.exit_code == 130
    assert str(stop.value) == (
        f"Stopped in trial 2, which does not count; the 2 before it are kept. Continue with: imgclf tune --resume {out}"
    )
    assert (out / "best.toml").is_file()
    assert (out / "report.html").is_file()
    result = resume(out)
    assert [(one.params, one.value) for one in result.trials] == [
        (one.params, one.value) for one in search.trials
    ]


def test_the_same_out_goes_on_and_another_search_is_refused(
    shapes: Path, search: SearchResult, tmp_path: Path
) -> None:
    """Asked again for three trials it makes none; another recipe, space or pruner does not mix."""
    config = _config(shapes)
    again = tune(config, parse_space(RATES, config), out=search.folder, trials=3)
    assert again.trials == search.trials
    for other, space, pruner, what in (
        (_config(shapes, batch_size=9), RATES, "median", "recipe"),
        (config, {"head.dropout": [0.0, 0.1]}, "median", "space"),
        (config, RATES, "none", "pruner"),
    ):
        with pytest.raises(
            ConfigError, match=f"a search with another {what} was begun there. Continue that one"
        ):
            tune(other, parse_space(space, config), out=search.folder, pruner=pruner)  # type: ignore[arg-type]


def test_a_trial_that_fails_is_kept_with_its_reason(shapes: Path, tmp_path: Path) -> None:
    """A loss of NaN is a result like another; the search goes on."""
    config = _config(shapes, epochs=1)
    space = parse_space({"optimizer.lr": [1e-3, 1e30]}, config)
    result = tune(config, space, out=tmp_path / "search", trials=5, keep_models=True)
    failed = [trial for trial in result.trials if trial.state == "failed"]
    assert failed
    assert len(failed) < 5
    assert all(trial.params == {"optimizer.lr": 1e30} for trial in failed)
    assert failed[0].reason.startswith("The loss became NaN or infinite in epoch 1")
    assert (
        open_run(tmp_path / "search" / "trials" / f"{failed[0].number:04d}").read_metrics()["status"]
        == "failed"
    )
    kept = [run for run in list_runs(tmp_path / "search" / "trials") if run.model_file.exists()]
    assert len(kept) == 5 - len(failed)


def test_a_space_that_never_works_ends_the_search(shapes: Path, tmp_path: Path) -> None:
    """Before any drawn value has worked, an argument that the optimiser lacks is a mistake to mend."""
    config = _config(shapes, epochs=1)
    space = parse_space({"optimizer.momentun": [0.8, 0.9]}, config)
    with pytest.raises(ConfigError, match="momentun"):
        tune(config, space, out=tmp_path / "search", trials=3)


def test_time_that_is_up_cuts_a_trial_and_starts_no_other(
    shapes: Path, search: SearchResult, tmp_path: Path
) -> None:
    """A trial that outlasts the time does not count; without any that finished there is nothing to write."""
    with pytest.raises(
        ConfigError, match=r"no trial finished \(0 begun and ended\)\. Give more time with --max-time"
    ):
        tune(_config(shapes, epochs=5000), out=tmp_path / "search", trials=3, max_time="1s")
    assert len(resume(search.folder, trials=50, max_time="0.01s").trials) == 3
    with pytest.raises(ConfigError, match="--max-time: 'soon' is not a time limit"):
        resume(search.folder, max_time="soon")
    late = TrialReporter(SilentSearchReporter(), lambda record: None, deadline=0.0, quiet=False)
    late.progress(Progress("Epoch 1/2", 1, 2))
    with pytest.raises(TimeUpError):
        late.progress(Progress("Run", 1, 2))
    with pytest.raises(TimeUpError):
        late.epoch(EpochRecord(1, 0.5, 0.8, 0.6, 0.7, 0.7, 0.01, 0.1, 90.0, 0.0), improved=False)


def test_mistakes_are_told_before_the_first_trial(shapes: Path, tmp_path: Path) -> None:
    """A name of no network, no trials, several processes, a folder that holds no search or a damaged one."""
    config = _config(shapes)
    with pytest.raises(ModelError, match="Unknown model 'resnet99'"):
        tune(config, parse_space({"model.name": ["cnn3", "resnet99"]}, config), out=tmp_path / "search")
    with pytest.raises(ConfigError, match=r"trials: a search needs one trial or more \(given: 0\)\."):
        tune(config, out=tmp_path / "search", trials=0)
    several = config.model_copy(update={"hardware": config.hardware.model_copy(update={"devices": 2})})
    with pytest.raises(
        ConfigError, match="A search trains its trials one after the other in a single process"
    ):
        tune(several, out=tmp_path / "search")
    with pytest.raises(RunError, match=r"There is no search in 'nothing' \(no search\.toml\)"):
        resume(Path("nothing"))
    (tmp_path / "search.toml").write_text("[search]\ntrials = 3\n")
    with pytest.raises(ConfigError, match=r"search\.toml: not the settings of a search"):
        resume(tmp_path)
    text = '[search]\ntrials = 3\npruner = "secateurs"\n[space]\n[config]\n'
    (tmp_path / "search.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"not the settings of a search \(pruner 'secateurs', trials 3\)"):
        resume(tmp_path)


def test_settings_are_kept_as_they_were(search: SearchResult) -> None:
    """`search.toml` holds recipe, space and pruner."""
    values = tomllib.loads((search.folder / "search.toml").read_text())
    assert values["space"] == {"head.dropout": [0.0, 0.3], "optimizer.lr": RATES["optimizer.lr"]}
    assert values["search"]["pruner"] == "median"
    assert values["config"]["model"]["name"] == "cnn3"
