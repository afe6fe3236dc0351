"""Anomaly scores: closed cases of the streaming score, planted anomalies, and no labels in the threshold."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from downstream.anomaly import baselines
from downstream.anomaly import scoring as anomaly
from downstream.anomaly.metrics import vus_pr
from downstream.anomaly.scores import (
    ScoredRows,
    relative_to_recent,
    representation_scorer,
    training_rows,
)
from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.metrics import auc_pr
from downstream.scaling import Scaler
from downstream.task import Sealed, TaskSpec
from downstream.windows import Windows

WINDOW = 8


def make_task(n_series: int = 2, *, n: int = 400, size: float = 6.0) -> AnomalyTask:
    """Noise with spikes: training rows, validation rows behind them, and test rows."""
    rng = np.random.default_rng(0)
    series, validation, test = [], [], []
    for number in range(n_series):
        values = rng.normal(size=(3 * n, 2)).astype(np.float32)
        labels = np.zeros(3 * n, dtype=np.int8)
        for place in (n + 50, n + 200, 2 * n + 90, 2 * n + 300):
            values[place : place + 2] += size
            labels[place : place + 2] = 1
        series.append(values[:n])
        name = f"s{number}"
        validation.append(LabelledRows(values[n - 20 : 2 * n], labels[n : 2 * n], context=20, name=name))
        test.append(LabelledRows(values[2 * n - 20 :], labels[2 * n :], context=20, name=name))
    return AnomalyTask(
        spec=TaskSpec("toy", "anomaly", WINDOW, (), 1, "auc_pr", True, "toy", "test"),
        variates=("a", "b"),
        hash="0" * 16,
        sealed=Sealed(tuple(test)),
        series=tuple(series),
        names=tuple(f"s{i}" for i in range(n_series)),
        labels=None,
        bounds=(n,) * n_series,
        validation=tuple(validation),
        scaler=Scaler(np.zeros((n_series, 2)), np.ones((n_series, 2)), n_rows_seen=n * n_series),
    )


def last_step(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
    """The last step as it is; zero where it is hidden."""
    x = np.nan_to_num(windows.gather()[:, -1:])
    return np.zeros_like(x) if mask_last else x


def window_mean(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
    x = np.nan_to_num(windows.gather())
    return (x[:, :-1] if mask_last else x).mean(axis=1, keepdims=True)


def test_relative_to_recent_equals_the_loop() -> None:
    values = np.random.default_rng(0).uniform(0.5, 2, size=60)
    relative = relative_to_recent(values, steps=21)
    assert relative[0] == 0.0
    for t in range(1, 60):
        assert relative[t] == pytest.approx(values[t] / values[max(0, t - 21) : t].mean() - 1)
    assert relative_to_recent(np.empty(0)).shape == (0,)


def test_masked_score_is_the_change_that_the_last_step_makes() -> None:
    task = make_task(1)
    rows = task.validation[0]
    scored = representation_scorer(last_step)(task, rows, span=slice(30, 90), max_training=400)["masked"]
    # Hiding the last step sets this representation to zero, so the change is the sum of absolute values.
    change = np.abs(rows.values).sum(axis=1)
    expected = relative_to_recent(change)[20 + 30 : 20 + 90]
    training = relative_to_recent(np.abs(task.series[0]).sum(axis=1))[21:]
    np.testing.assert_allclose(scored.scores, (expected - training.mean()) / training.std(), rtol=1e-4, atol=1e-4)
    assert scored.labels is not None
    np.testing.assert_array_equal(scored.labels, rows.labels[30:90])


def test_nearest_score_is_the_distance_to_training_rows() -> None:
    task = make_task(1)
    rows = task.validation[0]
    scored = representation_scorer(last_step)(task, rows, span=slice(0, 60), max_training=400)["nearest"]
    distances = np.linalg.norm(rows.values[20:80, None] - task.series[0], axis=2)
    nearest = np.sort(distances, axis=1)[:, :3].mean(axis=1)
    assert np.corrcoef(scored.scores, nearest)[0, 1] > 0.9999
    # Training rows do not find themselves: their usual distance is not zero.
    assert -5 < scored.scores[:40].mean() < 5


def test_spikes_are_found_and_the_better_score_is_chosen() -> None:
    task = make_task()
    score = anomaly.validate(task, last_step)
    assert score.value == max(score.details["masked"], score.details["nearest"]) > 0.9
    assert score.details["n_series"] == 2
    opened = task.open_test()
    scores = anomaly.score_test(task, opened, last_step)
    best = scores.settings["score"]
    assert scores.value == scores.metrics[f"{best}.auc_pr"] > 0.9
    assert scores.metrics["event_recall"] > 0.8
    assert scores.protocol["n_windows"] == 800
    scored = [
        representation_scorer(last_step)(task, rows, span=slice(0, rows.n), max_training=4000)[best] for rows in opened
    ]
    expected = np.mean([auc_pr(one.labels, one.scores) for one in scored])
    volume = np.mean([vus_pr(one.labels, one.scores, max_buffer=10) for one in scored])
    assert scores.metrics["auc_pr"] == pytest.approx(expected)
    assert scores.metrics["vus_pr"] == pytest.approx(volume)


def test_poisoned_test_labels_change_no_threshold_and_no_choice() -> None:
    task = make_task()
    opened = task.open_test()
    flipped = tuple(
        LabelledRows(rows.values, (1 - rows.labels).astype(np.int8), context=rows.context, name=rows.name)
        for rows in opened
    )
    first, second = anomaly.score_test(task, opened, last_step), anomaly.score_test(task, flipped, last_step)
    assert first.settings == second.settings
    assert first.metrics["auc_pr"] != second.metrics["auc_pr"]


def test_series_without_both_labels_are_left_out_of_the_mean() -> None:
    task = make_task()
    opened = task.open_test()
    quiet = LabelledRows(opened[1].values, np.zeros(opened[1].n, dtype=np.int8), context=20, name="s1")
    unknown = LabelledRows(opened[1].values, None, context=20, name="s1")
    alone = anomaly.score_test(task, opened[:1], last_step)
    assert anomaly.score_test(task, (opened[0], quiet, unknown), last_step).metrics["auc_pr"] == alone.metrics["auc_pr"]
    nothing = anomaly.score_test(task, (unknown,), last_step)
    assert np.isnan(nothing.value)
    assert nothing.protocol["n_series_judged"] == 0


def test_label_spans_have_both_labels_and_keep_the_limit() -> None:
    labels = np.zeros(1000, dtype=np.int8)
    labels[700:710] = 1
    rows = LabelledRows(np.zeros((1000, 1), dtype=np.float32), labels, context=0, name="a")
    normal = LabelledRows(np.zeros((50, 1), dtype=np.float32), np.zeros(50, dtype=np.int8), context=0, name="b")
    ((kept, span),) = anomaly.label_spans([normal, rows], limit=100)
    assert kept is rows
    assert span.stop - span.start == 100
    assert 0 < labels[span].sum() < 100
    many = anomaly.label_spans([rows] * 9, limit=3 * anomaly.FEWEST_ROWS)
    assert len(many) == 3
    halves = np.repeat([0, 1], 500).astype(np.int8)
    halved = LabelledRows(np.zeros((1000, 1), dtype=np.float32), halves, context=0, name="c")
    span = anomaly.label_spans([halved], limit=64)[0][1]
    assert set(halves[span]) == {0, 1}


def test_a_flat_training_score_does_not_divide_by_zero() -> None:
    one = ScoredRows.normalized(np.ones(5), np.array([1.0, 3.0]), labels=None)
    assert one.scores.tolist() == [0.0, 2.0]


def test_short_training_series_still_have_neighbours() -> None:
    task = make_task(1)
    short = AnomalyTask(**{**vars(task), "bounds": (10,)})
    found = representation_scorer(window_mean)(short, task.validation[0], span=slice(0, 5), max_training=400)
    assert all(np.isfinite(one.scores).all() for one in found.values())


def test_moving_z_score_finds_spikes_and_equals_the_loop() -> None:
    task = make_task()
    opened = task.open_test()
    found = baselines.BASELINES(task, opened)["moving_z_score"]
    assert found.value > 0.5
    rows = task.validation[0]
    scored = baselines.moving_z_score(task, rows, span=slice(0, 50), max_training=400)["moving_z_score"]

    def loop(values: NDArray[np.float32], t: int) -> float:
        past = values[max(0, t - WINDOW) : t].astype(float)
        return float((np.abs(values[t] - past.mean(axis=0)) / np.maximum(past.std(axis=0), 0.01)).mean())

    training = np.array([loop(task.series[0], t) for t in range(WINDOW, 400)])
    expected = np.array([loop(rows.values, 20 + t) for t in range(50)])
    np.testing.assert_allclose(scored.scores, (expected - training.mean()) / training.std(), rtol=1e-3, atol=1e-3)


def test_errors_are_clear() -> None:
    task = make_task(1)
    with pytest.raises(ValueError, match=r"series must be one of \['s0'\], got 'x'"):
        training_rows(task, "x")
    blind = AnomalyTask(**{**vars(task), "validation": ()})
    with pytest.raises(ValueError, match="toy: no validation series has both"):
        anomaly.validate(blind, last_step)
