"""Forecasting: the next steps of each series, from a window that ends before them."""

from downstream.kinds import TaskKind

KIND = TaskKind(
    name="forecasting",
    metric="mse",
    higher_is_better=False,
    most_features=4096,
    all_for_fitting={"splits": (0.75, 0.25, 0.0)},
    as_seed={},  # the split in time stays that of the set
)
