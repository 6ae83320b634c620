"""What a prediction is: logits -> probabilities -> decision -> correctness.

In reading order: ``kind.py`` says what every kind of task can be asked, ``single_label.py`` is the kind that there is
(one class an image), ``direction.py`` says which way a metric is better. A second kind of task is one more file
beside ``single_label.py``.
"""

from imgclf.task.direction import is_better, is_loss, sign_of
from imgclf.task.kind import NOT_A_NUMBER, Decision, Task
from imgclf.task.single_label import UNKNOWN, SingleLabel, log_probabilities, rescale, softmax

SINGLE_LABEL: Task = SingleLabel()
"""The kind of task of every model file so far."""

__all__ = [
    "NOT_A_NUMBER",
    "SINGLE_LABEL",
    "UNKNOWN",
    "Decision",
    "SingleLabel",
    "Task",
    "is_better",
    "is_loss",
    "log_probabilities",
    "rescale",
    "sign_of",
    "softmax",
]
