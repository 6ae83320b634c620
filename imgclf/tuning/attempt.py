"""One trial from start to end: what its training comes to, be it that it ends early or fails."""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from imgclf.errors import ConfigError, DivergenceError, ImgclfError, ModelError, OutOfMemoryError
from imgclf.records import EpochRecord
from imgclf.training import TrainResult
from imgclf.tuning.record import TrialRecord, TrialState
from imgclf.tuning.reporter import PrunedError
from imgclf.tuning.study import Study

if TYPE_CHECKING:
    from optuna import Trial


class Attempt:
    """A trial on its way.

    Args:
        study: judges the epochs.
        trial: the study's.
        number: the trial's.
        params: what it lays over the recipe.
        metric: the monitored one.
    """

    def __init__(
        self, study: Study, trial: "Trial", number: int, params: dict[str, Any], metric: str
    ) -> None:
        self._study, self._trial, self._number, self._params = study, trial, number, params
        self._metric, self._started, self._epochs = metric, time.monotonic(), 0

    def on_epoch(self, record: EpochRecord) -> None:
        """Take in an epoch.

        Raises:
            PrunedError: others were better at this point.
        """
        self._epochs = record.epoch
        if self._study.is_worse(self._trial, record.epoch, self._value(record)):
            raise PrunedError

    def make(self, training: Callable[[], TrainResult]) -> TrialRecord:
        """Run the training and return what came of it.

        Raises:
            ConfigError, ModelError: the recipe or the space is wrong as a whole: no drawn values have worked yet.
            ImgclfError: what no other trial would mend, such as missing data.
        """
        try:
            value = self._value(training().best)
        except PrunedError:
            return self._ended("pruned")
        except (OutOfMemoryError, DivergenceError) as error:
            return self._ended("failed", reason=_first_sentence(error))
        except (ConfigError, ModelError) as error:
            if not any(record.params and record.state != "failed" for record in self._study.records()):
                raise
            return self._ended("failed", reason=_first_sentence(error))
        if not math.isfinite(value):
            return self._ended("failed", reason=f"{self._metric} is not a number")
        return self._ended("finished", value)

    def _ended(self, state: TrialState, value: float | None = None, reason: str = "") -> TrialRecord:
        seconds = round(time.monotonic() - self._started, 2)
        return TrialRecord(self._number, state, value, self._epochs, seconds, self._params, reason)

    def _value(self, record: EpochRecord) -> float:
        return float(getattr(record, self._metric))


def _first_sentence(error: ImgclfError) -> str:
    return str(error).split(". ")[0].rstrip(".")
