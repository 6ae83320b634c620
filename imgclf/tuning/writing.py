"""Write what a search found: the table, the best recipe, the pictures, the page."""

import json
from collections.abc import Sequence
from pathlib import Path

import tomli_w

from imgclf.atomic import write_text
from imgclf.figures import SearchPoint, search_history, search_parameters
from imgclf.metrics import wilson_interval
from imgclf.recipes import load_config_file
from imgclf.tables import write_csv
from imgclf.tuning.folder import SearchFolder
from imgclf.tuning.page import search_page
from imgclf.tuning.record import TrialRecord
from imgclf.tuning.result import SearchResult
from imgclf.tuning.settings import SearchSettings
from imgclf.tuning.words import metric_name, metric_text

_MOST_PICTURED = 9  # settings; the most important ones


def write_trials(folder: SearchFolder, settings: SearchSettings, trials: Sequence[TrialRecord]) -> None:
    """Write ``trials.csv``: one row a trial, one column a searched setting."""
    keys = list(settings.space.dimensions)
    rows = []
    for trial in trials:
        values = [_cell(trial.params.get(key)) for key in keys]
        rows.append(
            [trial.number, trial.state, trial.value, trial.epochs, trial.seconds, *values, trial.reason]
        )
    columns = ["trial", "state", settings.config.training.monitor, "epochs", "seconds", *keys, "reason"]
    write_csv(folder.table, columns, rows)


def write_recipe(folder: SearchFolder, settings: SearchSettings, best: TrialRecord, made: int) -> None:
    """Write ``best.toml``: the config as the trial resolved it, on whatever device there will be.

    Args:
        folder: of the search.
        settings: of the search.
        best: the trial.
        made: how many trials it is the best of.
    """
    resolved = load_config_file(folder.run(best.number).path)
    hardware = settings.config.hardware.model_copy(update={"precision": resolved.hardware.precision})
    config = resolved.model_copy(update={"hardware": hardware})
    metric = settings.config.training.monitor
    about = {
        "summary": f"The best of {made} trials of imgclf tune on {Path(config.data.dataset).name}",
        "expected_accuracy": f"{metric_text(metric, best.value)} {metric_name(metric)}",
        "time": f"{best.seconds:.0f} s",
        "source": f"trial {best.number} of {folder.path.name}",
    }
    write_text(folder.recipe, tomli_w.dumps({"recipe": about, **config.to_toml_dict()}))


def write_pictures(
    folder: SearchFolder,
    settings: SearchSettings,
    trials: Sequence[TrialRecord],
    importances: dict[str, float],
) -> dict[str, Path]:
    """Draw the search; return name -> file."""
    metric = settings.config.training.monitor
    points = [SearchPoint(one.number, one.state, one.value, one.params) for one in trials]
    files = {
        "history": search_history(points, importances, metric, folder.figures / "history.png"),
    }
    space = settings.space.dimensions
    if any(point.params and point.value is not None for point in points):
        keys = sorted(space, key=lambda key: -importances.get(key, 0.0))[:_MOST_PICTURED]
        scales = {key: space[key].scale for key in keys}
        files["parameters"] = search_parameters(points, scales, metric, folder.figures / "parameters.png")
    return files


def write_page(folder: SearchFolder, settings: SearchSettings, result: SearchResult) -> None:
    """Write ``report.html``."""
    recipe = folder.recipe.read_text(encoding="utf-8")
    write_text(folder.report, search_page(result, settings, recipe))


def noise_note(folder: SearchFolder, metric: str, best: TrialRecord) -> str:
    """Say how far an accuracy on so many validation images may be from the truth; nothing for other metrics."""
    if metric != "val_accuracy" or best.value is None:
        return ""
    environment = json.loads((folder.run(best.number).path / "environment.json").read_text(encoding="utf-8"))
    images = environment["dataset"]["images"]["val"]
    interval = wilson_interval(round(best.value * images), images)
    half = 100 * (interval.high - interval.low) / 2
    return (
        f"On {images:,} val images an accuracy of {best.value:.1%} is known to about ±{half:.1f} points: smaller "
        f"differences between trials may be luck, and the best of many is flattered by it."
    )


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value
