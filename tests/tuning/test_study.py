"""The Optuna study: drawing, judging, keeping."""

from pathlib import Path

import pytest

from imgclf.errors import ConfigError
from imgclf.recipes import Config
from imgclf.tuning import TrialRecord, parse_space
from imgclf.tuning.record import best_of
from imgclf.tuning.settings import PrunerName, SearchSettings
from imgclf.tuning.study import Study


def _settings(
    pruner: PrunerName = "median", monitor: str = "val_accuracy", epochs: int = 4
) -> SearchSettings:
    config = Config.model_validate({"training": {"epochs": epochs, "monitor": monitor}})
    space = parse_space(
        {"optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True}, "head.dropout": {"low": 0.0, "high": 0.5}},
        config,
    )
    return SearchSettings(config, space, pruner, 20)


def _play(study: Study, settings: SearchSettings, first: int, last: int) -> None:
    """Make trials whose accuracy is a function of the dropout alone."""
    for number in range(first, last):
        trial = study.ask(number)
        params = settings.space.sample(trial) if number else {}
        value = 0.9 - params.get("head.dropout", 0.25)
        study.tell(trial, TrialRecord(number, "finished", value, 4, 1.5, params))


def test_an_interrupted_search_draws_what_an_uninterrupted_one_draws(tmp_path: Path) -> None:
    """A trial that never ended does not count, and what follows it is drawn as if it had not been."""
    settings = _settings()
    whole = Study(tmp_path / "whole.db", settings)
    _play(whole, settings, 0, 12)
    cut = Study(tmp_path / "cut.db", settings)
    _play(cut, settings, 0, 9)
    settings.space.sample(cut.ask(9))  # and the power goes out
    again = Study(tmp_path / "cut.db", settings)
    _play(again, settings, 9, 12)
    assert again.records() == whole.records()
    assert [record.number for record in again.records()] == list(range(12))


def test_what_made_the_difference_is_found(tmp_path: Path) -> None:
    """Importance needs ten finished trials, and then names the setting that alone matters."""
    settings = _settings()
    study = Study(tmp_path / "study.db", settings)
    _play(study, settings, 0, 10)
    assert study.importances() == {}
    _play(study, settings, 10, 14)
    importances = study.importances()
    assert next(iter(importances)) == "head.dropout"
    assert importances["head.dropout"] > 0.8


@pytest.mark.parametrize(
    ("pruner", "monitor", "good", "bad"),
    [
        ("median", "val_accuracy", 0.9, 0.1),
        ("median", "val_loss", 0.1, 0.9),
        ("hyperband", "val_accuracy", 0.9, 0.1),
        ("none", "val_accuracy", 0.9, 0.1),
    ],
)
def test_bad_trials_are_pruned(
    tmp_path: Path, pruner: PrunerName, monitor: str, good: float, bad: float
) -> None:
    """After a few good trials a bad one is told to end, except without a pruner; never after its last epoch."""
    settings = _settings(pruner, monitor)
    study = Study(tmp_path / "study.db", settings)
    for number in range(6):
        trial = study.ask(number)
        for epoch in range(1, 5):
            study.is_worse(trial, epoch, good)
        study.tell(trial, TrialRecord(number, "finished", good, 4, 1.0))
    trial = study.ask(6)
    judged = [study.is_worse(trial, epoch, bad) for epoch in range(1, 5)]
    assert any(judged) == (pruner != "none")
    assert not judged[-1]
    study.tell(trial, TrialRecord(6, "pruned", None, 2, 1.0))
    assert study.records()[-1].value == bad
    best = best_of(study.records(), monitor)
    assert best is not None
    assert (best.number, best.value) == (0, good)


def test_a_file_that_is_no_study(tmp_path: Path) -> None:
    """One sentence instead of SQLAlchemy's page."""
    (tmp_path / "study.db").write_bytes(b"not a database, surely" * 100)
    with pytest.raises(
        ConfigError, match=r"study\.db: not a study that Optuna can read \(.+\)\. Choose another folder"
    ):
        Study(tmp_path / "study.db", _settings())
