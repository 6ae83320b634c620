"""The Optuna study behind a search: storage, sampler, pruner, and its trials as records."""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imgclf.errors import ConfigError, MissingExtraError
from imgclf.task import is_loss
from imgclf.tuning.record import TrialRecord, TrialState
from imgclf.tuning.settings import PrunerName, SearchSettings

try:
    import optuna
except ImportError:
    raise MissingExtraError("imgclf tune", "tune") from None

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

_NAME = "imgclf"
_RANDOM_TRIALS = 8  # before TPE learns from what it saw
_TRIALS_BEFORE_PRUNING = 4
_TRIALS_FOR_IMPORTANCE = 10  # finished ones; of fewer it would be noise
_COMPLETE, _PRUNED, _FAIL = (
    optuna.trial.TrialState.COMPLETE,
    optuna.trial.TrialState.PRUNED,
    optuna.trial.TrialState.FAIL,
)
_STATES: dict[Any, TrialState] = {_COMPLETE: "finished", _PRUNED: "pruned", _FAIL: "failed"}


class Study:
    """A search's trials in an SQLite file.

    A trial that was cut short (by Ctrl-C, the time limit, a power cut) counts as never made. Sampling depends on the
    seed, the trial's number and the trials before alone, so it is drawn again, and a search that was interrupted goes
    on as if it had not been.

    Args:
        path: the SQLite file; made where there is none.
        settings: of the search.

    Raises:
        ConfigError: the file is no study.
    """

    def __init__(self, path: Path, settings: SearchSettings) -> None:
        # Optuna's own log says in its words what we say in ours.
        logging.getLogger("optuna").setLevel(logging.ERROR)
        training = settings.config.training
        self._settings = settings
        try:
            self._study = optuna.create_study(
                storage=f"sqlite:///{path}",
                study_name=_NAME,
                load_if_exists=True,
                direction="minimize" if is_loss(training.monitor) else "maximize",
                pruner=_pruner(settings.pruner, training.epochs),
            )
        except Exception as error:  # SQLAlchemy, Alembic and Optuna each have errors of their own for it.
            raise ConfigError(
                f"{path}: not a study that Optuna can read ({type(error).__name__}). Choose another folder with --out."
            ) from error
        for trial in self._study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
            self._study.tell(trial.number, state=_FAIL)

    @property
    def precision(self) -> str | None:
        """The number format that the first trial chose, for all others to share."""
        return self._study.user_attrs.get("precision")

    @precision.setter
    def precision(self, value: str) -> None:
        self._study.set_user_attr("precision", value)

    def ask(self, number: int) -> "optuna.Trial":
        """Begin the trial of this number."""
        seed = int(np.random.SeedSequence([self._settings.config.training.seed, number]).generate_state(1)[0])
        # Each key by itself: trial 0 has none, and so there is no space that all trials share.
        self._study.sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=_RANDOM_TRIALS, multivariate=False
        )
        return self._study.ask()

    def is_worse(self, trial: "optuna.Trial", epoch: int, value: float) -> bool:
        """Take in an epoch; return whether the trial should end because others were better at this point."""
        trial.report(value, epoch)
        return epoch < self._settings.config.training.epochs and trial.should_prune()

    def tell(self, trial: "optuna.Trial", record: TrialRecord) -> None:
        """Keep how a trial ended."""
        for name in ("number", "seconds", "epochs", "reason"):
            trial.set_user_attr(name, getattr(record, name))
        state = next(key for key, name in _STATES.items() if name == record.state)
        self._study.tell(trial, record.value if state is _COMPLETE else None, state=state)

    def records(self) -> tuple[TrialRecord, ...]:
        """Return all trials that count, in order."""
        told = [trial for trial in self._study.get_trials(deepcopy=False) if "number" in trial.user_attrs]
        return tuple(self._record(trial) for trial in told)

    def importances(self) -> dict[str, float]:
        """Return each key's share of what made the difference between trials; the largest first.

        Functional ANOVA on random forests (Hutter et al. 2014) over the finished trials; empty with too few of them.
        """
        keys = list(self._settings.space.dimensions)
        finished = [
            trial for trial in self._study.get_trials(deepcopy=False, states=[_COMPLETE]) if trial.params
        ]
        if len(finished) < _TRIALS_FOR_IMPORTANCE or len({trial.value for trial in finished}) == 1:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self._settings.config.training.seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own future; nothing of ours to change
            return optuna.importance.get_param_importances(self._study, evaluator=evaluator, params=keys)

    def _record(self, trial: "FrozenTrial") -> TrialRecord:
        known = trial.user_attrs
        return TrialRecord(
            number=known["number"],
            state=_STATES[trial.state],
            value=trial.value if trial.state is _COMPLETE else self._best_epoch(trial),
            epochs=known["epochs"],
            seconds=known["seconds"],
            params=self._settings.space.values(trial.params),
            reason=known["reason"],
        )

    def _best_epoch(self, trial: "FrozenTrial") -> float | None:
        values = [value for value in trial.intermediate_values.values() if np.isfinite(value)]
        best = min if is_loss(self._settings.config.training.monitor) else max
        return best(values, default=None)


def _pruner(name: PrunerName, epochs: int) -> optuna.pruners.BasePruner:
    warmup = max(1, epochs // 4)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=warmup, max_resource=epochs)
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=_TRIALS_BEFORE_PRUNING, n_warmup_steps=warmup)
    return optuna.pruners.NopPruner()
