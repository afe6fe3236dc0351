"""Anomaly detection: which rows of a series are unusual, from the window that ends at each."""

from downstream.kinds import TaskKind

KIND = TaskKind(
    name="anomaly",
    metric="auc_pr",
    higher_is_better=True,
    score_version=2,  # of what is handed over; at 1, of the better of two scores
    score_range=(0.0, 1.0),
    estimator_type="outlier_detector",
    all_for_fitting={"all_rows": True},
)
