"""Forecasting: the next steps of each series, from a window that ends before them."""

from downstream.kinds import TaskKind, lazily

KIND = TaskKind(
    name="forecasting",
    metric="mse",
    higher_is_better=False,
    all_for_fitting={"splits": (0.75, 0.25, 0.0)},
    as_seed={},  # the split in time stays that of the set
    claims=lazily("downstream.forecasting.build", "claims"),
    load=lazily("downstream.forecasting.build", "load"),
    plain_series=lazily("downstream.forecasting.build", "plain_series"),
    validate=lazily("downstream.forecasting.scoring", "validate"),
    score_test=lazily("downstream.forecasting.scoring", "score_test"),
    baselines=lazily("downstream.forecasting.baselines", "BASELINES"),
    fit_predictor=lazily("downstream.forecasting.predictor", "fit"),
    restore_predictor=lazily("downstream.forecasting.predictor", "ForecastPredictor"),
)
