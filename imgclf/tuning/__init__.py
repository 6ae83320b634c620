"""Search for better hyper-parameters: many short training runs, chosen by Optuna, judged on ``val`` alone.

Importing this package needs the extra ``tune``.

In reading order: ``session.py`` (the whole command), ``settings.py``, ``space.py`` and ``dimensions.py`` (what is searched),
``study.py``, ``search.py`` and ``attempt.py`` (trial after trial), ``record.py``, ``result.py``, ``reporter.py``, ``words.py``;
``folder.py``, ``writing.py`` and ``page.py`` (what is written).
"""

from typing import TYPE_CHECKING

from imgclf.lazy import lazily
from imgclf.tuning.record import TrialRecord
from imgclf.tuning.reporter import SearchReporter, SilentSearchReporter
from imgclf.tuning.result import SearchResult
from imgclf.tuning.session import resume, tune
from imgclf.tuning.settings import PrunerName
from imgclf.tuning.space import Space, default_space, load_space, parse_space

if TYPE_CHECKING:
    from imgclf.tuning.words import metric_name, metric_text, param_text, params_text

__all__ = [
    "PrunerName",
    "SearchReporter",
    "SearchResult",
    "SilentSearchReporter",
    "Space",
    "TrialRecord",
    "default_space",
    "load_space",
    "metric_name",
    "metric_text",
    "param_text",
    "params_text",
    "parse_space",
    "resume",
    "tune",
]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "metric_name": "imgclf.tuning.words",
        "metric_text": "imgclf.tuning.words",
        "param_text": "imgclf.tuning.words",
        "params_text": "imgclf.tuning.words",
    },
)
