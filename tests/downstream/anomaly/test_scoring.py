"""Validation and report of anomaly tasks: what is handed over is what is scored, and no label is part of it."""

from __future__ import annotations

import numpy as np
import pytest

from downstream.anomaly import scoring as anomaly
from downstream.anomaly.baselines import BASELINES, z_scores
from downstream.anomaly.detection.detector import WEIGHTS, Detector, NormalRows
from downstream.anomaly.detection.normal import MOST_ROWS, rows_to_remember
from downstream.anomaly.metrics import vus_pr
from downstream.anomaly.task import AnomalyTask
from downstream.metrics import auc_pr


def test_validation_scores_what_is_handed_over(toy) -> None:
    task = toy.task()
    score = anomaly.validate(task, toy.mean_and_last)
    expected = []
    for rows in task.validation:
        detector = Detector(
            NormalRows(task.series[0 if rows.name == "s0" else 1]), window=8, represent=toy.mean_and_last
        )
        expected.append(auc_pr(rows.labels, detector.strangeness(rows.values, first=rows.context).total))
    assert score.value == pytest.approx(np.mean(expected), rel=1e-6)
    assert score.value > 0.5
    assert score.details["n_series"] == 2 and score.details["n_rows"] == 800
    assert set(WEIGHTS) <= set(score.details)


def test_report_scores_what_is_handed_over(toy) -> None:
    task = toy.task()
    opened = task.open_test()
    scores = anomaly.score_test(task, opened, toy.mean_and_last)
    found = [
        Detector(NormalRows(normal), window=8, represent=toy.mean_and_last).strangeness(rows.values, first=rows.context)
        for normal, rows in zip(task.series, opened, strict=True)
    ]
    for name in ("", *WEIGHTS):
        each = [one.parts[name] if name else one.total for one in found]
        front = f"{name}." if name else ""
        labels = [rows.labels for rows in opened]
        ranked = [auc_pr(*pair) for pair in zip(labels, each, strict=True)]
        volume = [vus_pr(*pair, max_buffer=10) for pair in zip(labels, each, strict=True)]
        assert scores.metrics[f"{front}auc_pr"] == pytest.approx(np.mean(ranked))
        assert scores.metrics[f"{front}vus_pr"] == pytest.approx(np.mean(volume))
    assert scores.value == scores.metrics["auc_pr"] > 0.5
    assert scores.protocol["n_windows"] == 800


def test_labels_of_the_test_part_change_no_score(toy) -> None:
    task = toy.task()
    opened = task.open_test()
    flipped = tuple(toy.relabelled(rows, (1 - rows.labels).astype(np.int8)) for rows in opened)
    first, second = (anomaly.score_test(task, rows, toy.mean_and_last) for rows in (opened, flipped))
    assert first.settings == second.settings
    assert first.metrics["auc_pr"] != second.metrics["auc_pr"]


def test_series_without_both_labels_are_left_out_of_the_mean(toy) -> None:
    task = toy.task()
    opened = task.open_test()
    quiet, unknown = (toy.relabelled(opened[1], labels) for labels in (np.zeros(opened[1].n, dtype=np.int8), None))
    alone = anomaly.score_test(task, opened[:1], toy.mean_and_last)
    more = anomaly.score_test(task, (opened[0], quiet, unknown), toy.mean_and_last)
    assert more.metrics == alone.metrics
    nothing = anomaly.score_test(task, (unknown,), toy.mean_and_last)
    assert np.isnan(nothing.value)
    assert nothing.protocol["n_series_judged"] == 0
    assert np.isnan(anomaly.score_test(task, (), toy.mean_and_last).value)


def test_order_and_number_of_series_change_no_score(toy) -> None:
    task = toy.task(3)
    opened = task.open_test()
    turned = AnomalyTask(**{**vars(task), "series": task.series[::-1], "names": task.names[::-1]})
    plain, again = (anomaly.score_test(each, opened, toy.mean_and_last) for each in (task, turned))
    assert plain.metrics == pytest.approx(again.metrics)
    alone = AnomalyTask(**{**vars(task), "series": task.series[:1], "names": ("s0",), "bounds": task.bounds[:1]})
    one = anomaly.score_test(alone, opened[:1], toy.mean_and_last)
    assert one.metrics["auc_pr"] == anomaly.score_test(task, opened[:1], toy.mean_and_last).metrics["auc_pr"]


def test_label_spans_have_both_labels_and_keep_the_limit(toy) -> None:
    labels = np.zeros(1000, dtype=np.int8)
    labels[700:710] = 1
    rows = anomaly.LabelledRows(np.zeros((1000, 1), dtype=np.float32), labels, context=0, name="a")
    normal = toy.relabelled(rows, np.zeros(1000, dtype=np.int8))
    ((kept, span),) = anomaly.label_spans([normal, rows], limit=100)
    assert kept is rows
    assert span.stop - span.start == 100
    assert 0 < labels[span].sum() < 100
    many = anomaly.label_spans([rows] * 9, limit=3 * anomaly.FEWEST_ROWS)
    assert len(many) == 3
    halves = np.repeat([0, 1], 500).astype(np.int8)
    span = anomaly.label_spans([toy.relabelled(rows, halves)], limit=64)[0][1]
    assert set(halves[span]) == {0, 1}


def test_a_part_of_the_rows_keeps_what_came_before(toy) -> None:
    rows = toy.task().validation[0]
    part = rows.part(slice(30, 90))
    assert (part.n, part.context) == (60, rows.context + 30)
    np.testing.assert_array_equal(part.values, rows.values[: rows.context + 90])
    np.testing.assert_array_equal(part.labels, rows.labels[30:90])


def test_what_is_remembered_is_bounded_and_is_the_last(toy) -> None:
    task = toy.task(1)
    long = np.random.default_rng(0).normal(size=(MOST_ROWS + 7, 2)).astype(np.float32)
    (rows,) = rows_to_remember(AnomalyTask(**{**vars(task), "series": (long,)}))
    assert rows.first == 7
    np.testing.assert_array_equal(rows.values, long[7:])
    many = rows_to_remember(AnomalyTask(**{**vars(task), "series": (long,) * 100}))
    assert {len(each.values) for each in many} == {4000}


@pytest.mark.parametrize("name", [name for name in BASELINES if name != "moving_z_score"])
def test_baselines_find_spikes(toy, name: str) -> None:
    task = toy.task()
    found = BASELINES[name](task, task.open_test(), rng_seed=0)
    assert found.value > 0.3
    assert set(found.metrics) == {"auc_pr", "vus_pr", "event_f1", "event_precision", "event_recall"}


def test_moving_z_score_finds_spikes_and_equals_the_loop(toy) -> None:
    task = toy.task()
    assert BASELINES(task, task.open_test())["moving_z_score"].value > 0.5
    values = task.validation[0].values
    scored = z_scores(values, window=toy.window)
    for t in range(1, 60):
        past = values[max(0, t - toy.window) : t].astype(float)
        expected = (np.abs(values[t] - past.mean(axis=0)) / np.maximum(past.std(axis=0), 0.01)).mean()
        assert scored[t] == pytest.approx(expected, rel=1e-3)


def test_errors_are_clear(toy) -> None:
    task = toy.task(1)
    with pytest.raises(ValueError, match=r"series must be one of \['s0'\], got 'x'"):
        anomaly.training_rows(task, "x")
    blind = AnomalyTask(**{**vars(task), "validation": ()})
    with pytest.raises(ValueError, match="toy: no validation series has both"):
        anomaly.validate(blind, toy.mean_and_last)
