"""Regression: the number that belongs to each case (time-series extrinsic regression)."""

from downstream.kinds import TaskKind, lazily

KIND = TaskKind(
    name="regression",
    metric="rmse",
    higher_is_better=False,
    whole_cases=True,
    estimator_type="regressor",
    all_for_fitting={"pool_test": True, "max_length": 10**9},
    claims=lazily("downstream.regression.build", "claims"),
    load=lazily("downstream.regression.build", "load"),
    plain_series=lazily("downstream.cases.reading", "read_plain_cases"),
    validate=lazily("downstream.regression.scoring", "validate"),
    score_test=lazily("downstream.regression.scoring", "score_test"),
    baselines=lazily("downstream.regression.baselines", "BASELINES"),
    fit_predictor=lazily("downstream.regression.predictor", "fit"),
    restore_predictor=lazily("downstream.regression.predictor", "TargetPredictor"),
)
