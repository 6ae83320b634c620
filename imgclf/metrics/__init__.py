"""Pure functions of probabilities and labels, in numpy; they agree with scikit-learn where it has them.

In reading order: ``accuracy.py``, ``class_scores.py``, ``scoring.py``, ``calibration.py``, ``ranking.py``, ``rejection.py``; ``intervals.py``
and ``comparison.py`` say how sure a figure is.
"""

from imgclf.metrics.accuracy import (
    accuracy,
    balanced_accuracy,
    cohen_kappa,
    confusion_matrix,
    top_k_accuracy,
)
from imgclf.metrics.calibration import (
    CalibrationBin,
    calibration_bins,
    expected_calibration_error,
    fit_temperature,
)
from imgclf.metrics.class_scores import ClassScores, class_scores, most_confused, report_text
from imgclf.metrics.comparison import McNemar, mcnemar, paired_differences
from imgclf.metrics.intervals import (
    Interval,
    bootstrap_accuracy_and_f1,
    percentile_interval,
    wilson_interval,
)
from imgclf.metrics.ranking import (
    auroc,
    average_precision,
    mean_defined,
    per_class,
    precision_recall_curve,
    roc_curve,
)
from imgclf.metrics.rejection import (
    CoverageRisk,
    OperatingPoint,
    coverage_risk,
    operating_point,
    threshold_for_risk,
)
from imgclf.metrics.scoring import brier_score, log_loss

__all__ = [
    "CalibrationBin",
    "ClassScores",
    "CoverageRisk",
    "Interval",
    "McNemar",
    "OperatingPoint",
    "accuracy",
    "auroc",
    "average_precision",
    "balanced_accuracy",
    "bootstrap_accuracy_and_f1",
    "brier_score",
    "calibration_bins",
    "class_scores",
    "cohen_kappa",
    "confusion_matrix",
    "coverage_risk",
    "expected_calibration_error",
    "fit_temperature",
    "log_loss",
    "mcnemar",
    "mean_defined",
    "most_confused",
    "operating_point",
    "paired_differences",
    "per_class",
    "percentile_interval",
    "precision_recall_curve",
    "report_text",
    "roc_curve",
    "threshold_for_risk",
    "top_k_accuracy",
    "wilson_interval",
]
