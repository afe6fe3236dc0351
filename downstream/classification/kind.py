"""Classification: the class of each case."""

from downstream.kinds import TaskKind

KIND = TaskKind(
    name="classification",
    metric="accuracy",
    higher_is_better=True,
    score_range=(0.0, 1.0),
    whole_cases=True,
    estimator_type="classifier",
    optional_probes=("svm",),
    all_for_fitting={"pool_test": True, "max_length": 10**9},
)
