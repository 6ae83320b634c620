"""A search from start to end: begin or continue, try, write what was found."""

from dataclasses import replace
from pathlib import Path

from imgclf.errors import ConfigError, StoppedError
from imgclf.models import find_network
from imgclf.recipes import Config
from imgclf.training import parse_duration, under_torchrun
from imgclf.tuning.dimensions import Choice
from imgclf.tuning.folder import SearchFolder, new_folder, open_folder
from imgclf.tuning.record import best_of
from imgclf.tuning.reporter import SearchReporter, SilentSearchReporter
from imgclf.tuning.result import SearchResult
from imgclf.tuning.search import Search
from imgclf.tuning.settings import PrunerName, SearchSettings, load_settings, save_settings
from imgclf.tuning.space import Space, default_space
from imgclf.tuning.study import Study
from imgclf.tuning.writing import noise_note, write_page, write_pictures

TRIALS = 20


def tune(  # noqa: PLR0913 - each one is a word of the command
    config: Config,
    space: Space | None = None,
    *,
    out: Path | None = None,
    trials: int = TRIALS,
    max_time: str | None = None,
    pruner: PrunerName = "median",
    keep_models: bool = False,
    data_dir: Path | None = None,
    reporter: SearchReporter | None = None,
) -> SearchResult:
    """Search for better settings of a recipe; trial 0 is the recipe as it is.

    Args:
        config: the recipe; its seed is that of the search, its ``training.monitor`` is what the search improves.
        space: what to search; None is :func:`default_space`.
        out: the search's folder; one that holds the same search already is continued. None makes a new folder.
        trials: how many there will be in all, earlier ones included.
        max_time: time limit of this call, such as ``30m``.
        pruner: what ends bad trials early.
        keep_models: keep every trial's model and checkpoint, not only the best one's.
        data_dir: where registered datasets live.
        reporter: told of trials while it runs.

    Raises:
        ConfigError: the recipe, the space or the folder does not fit, or no trial finished.
        StoppedError: a signal asked to stop; what is done is kept.
        ImgclfError: nothing can be trained like this.
    """
    settings = SearchSettings(config, space or default_space(config), pruner, trials)
    _check(settings)
    folder = SearchFolder(out) if out is not None else new_folder(config.data.dataset)
    if folder.settings.is_file() and (what := load_settings(folder.settings).difference(settings)):
        raise ConfigError(
            f"{folder.path}: a search with another {what} was begun there. Continue that one with: imgclf tune --resume "
            f"{folder.path}; for this one choose another folder with --out."
        )
    return _run(
        folder, settings, max_time=max_time, keep_models=keep_models, data_dir=data_dir, reporter=reporter
    )


def resume(
    search: Path,
    *,
    trials: int | None = None,
    max_time: str | None = None,
    keep_models: bool = False,
    data_dir: Path | None = None,
    reporter: SearchReporter | None = None,
) -> SearchResult:
    """Continue a search with its own recipe and space.

    Args:
        search: its folder, or its name inside ``searches/``.
        trials: how many there will be in all; None is what it was begun with.
        max_time: time limit of this call.
        keep_models: keep every trial's model and checkpoint from now on.
        data_dir: where registered datasets live.
        reporter: told of trials while it runs.

    Raises:
        RunError: there is no such search.
        ImgclfError: as :func:`tune`.
    """
    folder = open_folder(search)
    settings = load_settings(folder.settings)
    settings = replace(settings, trials=trials or settings.trials)
    _check(settings)
    return _run(
        folder, settings, max_time=max_time, keep_models=keep_models, data_dir=data_dir, reporter=reporter
    )


def _check(settings: SearchSettings) -> None:
    """Refuse before the first trial what would fail in a later one."""
    if settings.trials < 1:
        raise ConfigError(f"trials: a search needs one trial or more (given: {settings.trials}).")
    if settings.config.hardware.devices > 1 or under_torchrun():
        raise ConfigError(
            "A search trains its trials one after the other in a single process: leave out hardware.devices and "
            "torchrun, and train the best recipe over several processes afterwards."
        )
    names = settings.space.dimensions.get("model.name")
    for name in names.values if isinstance(names, Choice) else ():
        if name != "auto":
            find_network(name)


def _run(
    folder: SearchFolder,
    settings: SearchSettings,
    *,
    max_time: str | None,
    keep_models: bool,
    data_dir: Path | None,
    reporter: SearchReporter | None,
) -> SearchResult:
    seconds = parse_duration(max_time, "--max-time") if max_time else None
    save_settings(folder.settings, settings)
    study = Study(folder.study, settings)
    search = Search(
        folder,
        settings,
        study,
        data_dir=data_dir,
        reporter=reporter or SilentSearchReporter(),
        seconds=seconds,
        keep_models=keep_models,
    )
    try:
        search.run()
    except (StoppedError, KeyboardInterrupt) as error:
        raise _stopped(folder, settings, study, error) from None
    return _finish(folder, settings, study)


def _stopped(
    folder: SearchFolder, settings: SearchSettings, study: Study, error: BaseException
) -> StoppedError:
    records = study.records()
    if best_of(records, settings.config.training.monitor):
        _finish(folder, settings, study)
    return StoppedError(
        f"Stopped in trial {len(records)}, which does not count; the {len(records)} before it are kept. Continue with: "
        f"imgclf tune --resume {folder.path}",
        error.signal_number if isinstance(error, StoppedError) else 2,
    )


def _finish(folder: SearchFolder, settings: SearchSettings, study: Study) -> SearchResult:
    """Write pictures and page over the trials so far."""
    metric = settings.config.training.monitor
    trials, importances = study.records(), study.importances()
    best = best_of(trials, metric)
    if best is None:
        reasons = [trial.reason for trial in trials if trial.reason]
        raise ConfigError(
            f"{folder.path}: no trial finished ({len(trials)} begun and ended"
            f"{f'; the last reason: {reasons[-1]}' if reasons else ''}). Give more time with --max-time, fewer --epochs, "
            f"or a space with gentler values."
        )
    pictures = write_pictures(folder, settings, trials, importances)
    files = {"recipe": folder.recipe, "trials": folder.table, **pictures, "report": folder.report}
    result = SearchResult(
        folder=folder.path,
        metric=metric,
        trials=trials,
        best=best,
        run=folder.run(best.number),
        importances=importances,
        note=noise_note(folder, metric, best),
        files=files,
    )
    write_page(folder, settings, result)
    return result
