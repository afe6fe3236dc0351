"""Regression: the number that belongs to each case (time-series extrinsic regression)."""

from downstream.kinds import TaskKind

KIND = TaskKind(
    name="regression",
    metric="rmse",
    higher_is_better=False,
    whole_cases=True,
    estimator_type="regressor",
    all_for_fitting={"pool_test": True, "max_length": 10**9},
)
