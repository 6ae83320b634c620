"""The history of a run, as numbers."""

from imgclf.runs import Run
from imgclf.tables import read_csv


def read_history(run: Run) -> list[dict[str, float]]:
    """Return the rows of ``history.csv``; none where there is no such file."""
    rows = read_csv(run.history) if run.history.exists() else []
    return [{key: float(value) for key, value in row.items()} for row in rows]
