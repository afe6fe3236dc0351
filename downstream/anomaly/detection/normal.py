"""What detectors remember of a task."""

from downstream.anomaly.detection.detector import NormalRows
from downstream.anomaly.task import AnomalyTask

MOST_ROWS = 16_000
"""Of one series that are remembered, the last ones."""
MOST_ROWS_OF_ALL = 400_000
_FEWEST_WINDOWS = 4  # of each series, however many there are


def rows_to_remember(task: AnomalyTask) -> list[NormalRows]:
    """Return the training rows of each series, together at most about `MOST_ROWS_OF_ALL`.

    Validation rows are among them, as they came. No label is asked, so where real labels validate, these rows may hold
    anomalies; but a window is never compared with those that overlap it, and scores are measured by medians.
    """
    fewest = _FEWEST_WINDOWS * task.spec.window
    most = min(MOST_ROWS, max(fewest, MOST_ROWS_OF_ALL // len(task.series)))
    return [NormalRows(values[-most:], first=max(0, len(values) - most)) for values in task.series]
