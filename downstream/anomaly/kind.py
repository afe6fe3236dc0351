"""Anomaly detection: which rows of a series are unusual, from the window that ends at each."""

from downstream.kinds import TaskKind, lazily

KIND = TaskKind(
    name="anomaly",
    metric="auc_pr",
    higher_is_better=True,
    score_range=(0.0, 1.0),
    claims=lazily("downstream.anomaly.reading", "claims"),
    load=lazily("downstream.anomaly.build", "load"),
    plain_series=lazily("downstream.anomaly.reading", "plain_series"),
    validate=lazily("downstream.anomaly.scoring", "validate"),
    score_test=lazily("downstream.anomaly.scoring", "score_test"),
    baselines=lazily("downstream.anomaly.baselines", "BASELINES"),
    fit_predictor=lazily("downstream.anomaly.predictor", "fit"),
    restore_predictor=lazily("downstream.anomaly.predictor", "AnomalyPredictor"),
)
