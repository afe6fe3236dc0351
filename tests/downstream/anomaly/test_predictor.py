"""Detectors in use: the numbers of the report, scikit-learn's signs, and the same after saving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from downstream.anomaly import scoring
from downstream.anomaly.predictor import FittedProbe, fit
from downstream.anomaly.task import AnomalyTask
from downstream.errors import DataError
from downstream.scaling import Scaled
from nas.saved.predictor import load_predictor, save_predictor


def scaled(values, known: int | None = None) -> Scaled:
    return Scaled(values, np.zeros(values.shape[1]), np.ones(values.shape[1]), known)


def test_probe_scores_what_the_report_scores(toy) -> None:
    task = toy.task()
    opened = task.open_test()
    report = scoring.score_test(task, opened, toy.mean_and_last)
    probe = fit(task, toy.mean_and_last, rng_seed=0)
    series = [scaled(rows.values, known) for known, rows in enumerate(opened)]
    truth = [np.r_[np.zeros(rows.context, dtype=np.int8), rows.labels] for rows in opened]
    found = probe.detect(toy.mean_and_last, series)
    ranked = [
        scoring.auc_pr(rows.labels, each.scores[rows.context :]) for rows, each in zip(opened, found, strict=True)
    ]
    assert report.value == pytest.approx(np.mean(ranked), rel=1e-9)
    whole = [scoring.auc_pr(labels, each.scores) for labels, each in zip(truth, found, strict=True)]
    assert probe.score(toy.mean_and_last, series, truth) == pytest.approx(np.mean(whole))
    alarms = [
        scoring.first_alarms(each.flags[rows.context :], delay=7) for rows, each in zip(opened, found, strict=True)
    ]
    events = [scoring.event_adjusted(rows.labels, one, delay=7).f1 for rows, one in zip(opened, alarms, strict=True)]
    assert report.metrics["event_f1"] == pytest.approx(np.mean(events))


def test_signs_are_scikit_learns(toy) -> None:
    task = toy.task()
    probe, series = fit(task, toy.mean_and_last, rng_seed=0), [scaled(rows.values, 0) for rows in task.open_test()[:1]]
    (found,) = probe.detect(toy.mean_and_last, series)
    assert (
        found.scores.dtype == np.float64 and found.flags.dtype == np.bool_ and found.contributions.dtype == np.float32
    )
    np.testing.assert_array_equal(found.flags, found.scores > probe.threshold)
    assert found.flags[[490, 700]].all() and found.flags.mean() < 0.2
    np.testing.assert_array_equal(probe.score_samples(toy.mean_and_last, series)[0], -found.scores)
    decision = probe.decision(toy.mean_and_last, series)[0]
    np.testing.assert_allclose(decision, probe.threshold - found.scores)
    np.testing.assert_array_equal(probe.predict(toy.mean_and_last, series)[0], np.where(decision < 0, -1, 1))
    np.testing.assert_allclose(found.contributions.sum(axis=1), 1, rtol=1e-6)
    assert "not been seen" in probe.threshold_text and probe.threshold_text.count(".") == 1


def test_saved_is_not_saved(toy, tmp_path) -> None:
    task = toy.task()
    probe, series = fit(task, toy.mean_and_last, rng_seed=0), [scaled(rows.values, 0) for rows in task.open_test()]
    save_predictor(tmp_path / "p.safetensors", probe, kind="anomaly")
    again = load_predictor(tmp_path / "p.safetensors", kind="anomaly")
    assert again.threshold == probe.threshold
    for one, other in zip(*(each.detect(toy.mean_and_last, series) for each in (probe, again)), strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.contributions, other.contributions)


def test_company_and_order_of_series_change_nothing(toy) -> None:
    task = toy.task()
    probe = fit(task, toy.mean_and_last, rng_seed=0)
    first, second = (scaled(rows.values, known) for known, rows in enumerate(task.open_test()))
    together, turned = (
        probe.detect(toy.mean_and_last, [first, second]),
        probe.detect(toy.mean_and_last, [second, first]),
    )
    (alone,) = probe.detect(toy.mean_and_last, [first])
    np.testing.assert_array_equal(alone.scores, together[0].scores)
    np.testing.assert_array_equal(alone.scores, turned[1].scores)


def test_an_unknown_series_is_compared_with_itself(toy) -> None:
    probe = fit(toy.task(), toy.mean_and_last, rng_seed=0)
    values = 50 + np.random.default_rng(5).normal(size=(400, 2)).astype(np.float32)
    values[200:203] += 8
    # Beside the rows of another series all of it is strange; beside itself only what happens once.
    (foreign,) = probe.detect(toy.mean_and_last, [scaled(values, 0)])
    (own,) = probe.detect(toy.mean_and_last, [scaled(values - 50)])
    assert foreign.flags.all()
    assert 200 <= own.scores.argmax() < 203 and own.flags[201] and own.flags.mean() < 0.1


def test_an_anomaly_in_training_rows_is_found_where_they_are_scored(toy) -> None:
    task = toy.task(1)
    values = task.series[0].copy()
    values[100:102] += 8
    probe = fit(AnomalyTask(**{**vars(task), "series": (values,)}), toy.mean_and_last, rng_seed=0)
    (found,) = probe.detect(toy.mean_and_last, [scaled(values, 0)])
    assert 99 <= found.scores.argmax() <= 102 and found.flags[100]


def test_no_label_and_no_test_row_reaches_fit(toy) -> None:
    task = toy.task()
    plain = fit(task, toy.mean_and_last, rng_seed=0)
    labelled = AnomalyTask(
        **{
            **vars(task.without_test()),
            "labels": tuple(np.ones(len(values), dtype=np.int8) for values in task.series),
            "validation": tuple(replace(rows, labels=1 - rows.labels) for rows in task.validation),
        }
    )
    again = fit(labelled, toy.mean_and_last, rng_seed=1)
    assert plain.facts == again.facts
    assert torch.equal(plain.tensors["rows"], again.tensors["rows"])


def test_series_of_any_lengths_are_answered(toy) -> None:
    probe = fit(toy.task(), toy.mean_and_last, rng_seed=0)
    values = toy.task().series[0]
    found = probe.predict(toy.mean_and_last, [scaled(values[:1]), scaled(values[:90], 1)])
    assert found.dtype == object and [len(each) for each in found] == [1, 90]
    with pytest.raises(DataError, match="detection needs the 2 variates of training, got 1"):
        probe.detect(toy.mean_and_last, [scaled(values[:, :1], 0)])
    with pytest.raises(DataError, match="a label per step"):
        probe.score(toy.mean_and_last, [scaled(values)], np.zeros(3))


@pytest.mark.parametrize(
    ("facts", "tensors"),
    [
        ({"window": 0}, {}),
        ({"lengths": [3]}, {}),
        ({"firsts": [0, 1]}, {}),
        ({"lengths": [-1, 6]}, {}),
        ({}, {"rows": torch.ones(5)}),
        ({}, {"rows": torch.ones(5, 0)}),
        ({}, {"rows": torch.full((5, 2), torch.inf)}),
        ({}, {"rows": torch.ones(5, 2, dtype=torch.float64)}),
    ],
)
def test_a_file_that_does_not_fit_together_is_refused(facts, tensors) -> None:
    good = {"window": 4, "firsts": [0], "lengths": [5]}
    FittedProbe(good, {"rows": torch.ones(5, 2)})
    with pytest.raises(ValueError, match=r"."):
        FittedProbe({**good, **facts}, {"rows": torch.ones(5, 2), **tensors})
