"""What kinds of tasks hand over for a picture: predictions of the predictor beside the truth of the test part."""

from __future__ import annotations

import numpy as np
import pytest

from downstream.anomaly import predictor as anomaly
from downstream.classification import predictor as classification
from downstream.forecasting.predictor import FittedProbe
from downstream.scaling import Scaled


def examples_of(task, represent):
    opened = task.open_test()
    predictor = task.kind.fit_predictor(task, represent, rng_seed=0)
    return opened, predictor, task.kind.examples(task, opened, predictor, represent)


def test_forecasts_stand_beside_what_came(tasks) -> None:
    task = tasks.make("forecasting")
    opened, predictor, found = examples_of(task, tasks.mean_and_last)
    assert found["form"] == "forecasts" and isinstance(predictor, FittedProbe)
    steps = list(dict.fromkeys(panel["step"] for panel in found["panels"]))
    assert len(steps) == 2 and len(found["panels"]) == 4  # two targets
    values = task.scaler.inverse(opened.series[0])
    for panel in found["panels"]:
        step, target = panel["step"], task.variates.index(panel["name"])
        assert step + 1 >= opened.bounds[0][1]  # of the test part
        np.testing.assert_allclose(panel["truth"], values[step + 1 : step + 5, target])
        np.testing.assert_allclose(panel["past"], values[step - 7 : step + 1, target])
        seen = Scaled(opened.series[0][: step + 1], task.scaler.mean[0], task.scaler.deviation[0], known=0)
        expected = predictor.predict(tasks.mean_and_last, [seen])[0, target]
        np.testing.assert_allclose(panel["forecast"], expected)
        assert (panel["low"] <= panel["high"]).all()


@pytest.mark.parametrize("most", [10_000, 40])
def test_scores_stand_below_their_steps(tasks, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anomaly, "MOST_STEPS", most)
    task = tasks.make("anomaly")
    opened, predictor, found = examples_of(task, tasks.mean_and_last)
    (panel,), (rows,) = found["panels"], opened
    assert found["form"] == "scores" and found["threshold"] == predictor.threshold
    steps = slice(rows.context + panel["first"], rows.context + panel["first"] + min(most, rows.n))
    shown = task.scaler.inverse(rows.values[steps])
    np.testing.assert_allclose(panel["values"], shown.T)
    assert len(panel["scores"]) == len(shown) == min(most, rows.n) and np.isfinite(panel["scores"]).all()


def test_mistakes_are_counted_by_class(tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    task = tasks.make("classification")
    opened, predictor, found = examples_of(task, tasks.mean_and_last)
    cases = opened.windows.gather()
    said = predictor.predict(tasks.mean_and_last, [Scaled(case, np.zeros(2), np.ones(2)) for case in cases])
    assert found["form"] == "confusion" and found["classes"] == list(task.classes) and found["n_left_out"] == 0
    expected = [[np.sum((opened.labels == truth) & (said == other)) for other in (0, 1)] for truth in (0, 1)]
    np.testing.assert_array_equal(found["counts"], expected)
    monkeypatch.setattr(classification, "MOST_CLASSES", 1)
    short = task.kind.examples(task, opened, predictor, tasks.mean_and_last)
    assert np.shape(short["counts"]) == (1, 1) and short["n_left_out"] == 1


def test_targets_stand_beside_their_predictions(tasks) -> None:
    task = tasks.make("regression")
    opened, predictor, found = examples_of(task, tasks.mean_and_last)
    cases = [Scaled(case, np.zeros(2), np.ones(2)) for case in opened.windows.gather()]
    np.testing.assert_allclose(found["predicted"], predictor.predict(tasks.mean_and_last, cases), rtol=1e-6)
    assert found["form"] == "targets" and found["truth"].tolist() == opened.labels.tolist()
