"""Classification: the class of each case."""

from downstream.kinds import TaskKind, lazily

KIND = TaskKind(
    name="classification",
    metric="accuracy",
    higher_is_better=True,
    score_range=(0.0, 1.0),
    whole_cases=True,
    estimator_type="classifier",
    all_for_fitting={"pool_test": True, "max_length": 10**9},
    claims=lazily("downstream.classification.build", "claims"),
    load=lazily("downstream.classification.build", "load"),
    plain_series=lazily("downstream.cases.reading", "read_plain_cases"),
    validate=lazily("downstream.classification.scoring", "validate"),
    score_test=lazily("downstream.classification.scoring", "score_test"),
    baselines=lazily("downstream.classification.baselines", "BASELINES"),
    fit_predictor=lazily("downstream.classification.predictor", "fit"),
    restore_predictor=lazily("downstream.classification.predictor", "ClassPredictor"),
)
