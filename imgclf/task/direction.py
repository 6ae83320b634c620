"""Which direction of a metric is better."""


def is_loss(metric: str) -> bool:
    """Whether smaller is better: so for every metric whose name ends in ``loss``.

    >>> is_loss("val_loss"), is_loss("val_accuracy")
    (True, False)
    """
    return metric.endswith("loss")


def sign_of(metric: str) -> int:
    """Return 1 where larger is better, -1 where smaller is: times it, larger is always better."""
    return -1 if is_loss(metric) else 1


def is_better(value: float, best: float, metric: str, by_more_than: float = 0.0) -> bool:
    """Whether a value beats the best so far by more than so much.

    >>> is_better(0.4, 0.5, "val_loss"), is_better(0.4, 0.5, "val_accuracy")
    (True, False)
    """
    return sign_of(metric) * (value - best) > by_more_than
