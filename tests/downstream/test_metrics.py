"""Metrics against scikit-learn, closed cases and a naive loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, balanced_accuracy_score, f1_score

from downstream import metrics
from downstream.anomaly.metrics import event_adjusted, events, first_alarms, soft_labels, vus_pr

bits = st.lists(st.integers(0, 1), min_size=3, max_size=60)


def naive_vus_pr(labels: NDArray[np.int64], scores: NDArray[np.float64], *, max_buffer: int) -> float:
    """The definition step by step: every buffer, threshold, event and row in a loop; all thresholds."""
    n, spans = len(labels), events(labels).tolist()
    areas = []
    for buffer in range(max_buffer + 1):
        soft = [0.0] * n
        for first, last in spans:
            for t in range(n):
                if first <= t <= last:
                    soft[t] += 1
                elif 0 < t - last <= buffer // 2:
                    soft[t] += (1 - (t - last) / buffer) ** 0.5
                elif 0 < first - t <= buffer // 2:
                    soft[t] += (1 - (first - t) / buffer) ** 0.5
        soft = [min(value, 1.0) for value in soft]
        # Events are the runs of softened labels.
        runs = events((np.asarray(soft) > 0).astype(np.int64)).tolist()
        area, recall_before = 0.0, 0.0
        for threshold in sorted(scores, reverse=True):
            alarmed = [t for t in range(n) if scores[t] >= threshold]
            hits = sum(soft[t] for t in alarmed)
            share = np.mean([any(first <= t <= last for t in alarmed) for first, last in runs])
            beside = sum(soft[t] for t in alarmed if not labels[t])
            recall = min(hits / (sum(labels) + beside / 2), 1) * float(share)
            area += (recall - recall_before) * hits / len(alarmed)
            recall_before = recall
        areas.append(area)
    return float(np.mean(areas))


@pytest.mark.parametrize("rng_seed", range(6))
@pytest.mark.parametrize("max_buffer", [0, 1, 7])
def test_vus_pr_equals_the_naive_loop(rng_seed: int, max_buffer: int) -> None:
    rng = np.random.default_rng(rng_seed)
    labels = np.zeros(60, dtype=np.int64)
    # Wide gaps: two events that merely touch are one run here, but two in the fast version.
    labels[4 + rng.integers(3) : 12] = 1
    labels[30 : 33 + rng.integers(5)] = 1
    labels[57:] = 1
    scores = np.round(rng.normal(size=60) + labels, 1)
    fast = vus_pr(labels, scores, max_buffer=max_buffer, n_thresholds=60)
    assert fast == pytest.approx(naive_vus_pr(labels, scores, max_buffer=max_buffer), abs=1e-12)


@pytest.mark.parametrize(
    ("offset", "n", "spans", "buffer", "volume", "area", "adjusted"),
    [
        (0, 300, [(40, 60), (150, 155), (280, 300)], 16, 0.7939050189778463, 0.6863733874332458, 0.9278350515463918),
        (1, 200, [(3, 9), (12, 30), (100, 101)], 10, 0.8323672508385935, 0.6865293297571732, 0.8727272727272727),
        (2, 500, [(100, 140), (150, 160), (400, 420)], 64, 0.9859946715207597, 0.8326826006576117, 0.958904109589041),
    ],
)
def test_values_are_those_of_tsb_ad(
    offset: int, n: int, spans: list[tuple[int, int]], buffer: int, volume: float, area: float, adjusted: float
) -> None:
    """Computed with `RangeAUC_volume_opt`, `metric_PR` and `metric_PointF1PA` of TheDatumOrg/TSB-AD@8763009."""
    t = np.arange(n)
    scores = np.round(np.abs(np.sin(0.7 * t + offset) * 3) + (t * 7919 % 101) / 50.0, 6)
    labels = np.zeros(n, dtype=np.int64)
    for first, end in spans:
        labels[first:end] = 1
        scores[first - 2 : end - 1] += 2 + offset
    assert vus_pr(labels, scores, max_buffer=buffer) == pytest.approx(volume, abs=1e-12)
    assert metrics.auc_pr(labels, scores) == pytest.approx(area, abs=1e-12)
    # Theirs is point adjustment, ours where an alarm is of use however late it comes.
    alarms = (scores > np.quantile(scores, 0.9)).astype(np.int64)
    assert event_adjusted(labels, alarms, delay=n).f1 == pytest.approx(adjusted, abs=1e-12)


def test_vus_pr_closed_cases() -> None:
    labels = np.zeros(400, dtype=np.int64)
    labels[100:120] = 1
    perfect = vus_pr(labels, labels + 0.0, max_buffer=0, n_thresholds=400)
    assert perfect == pytest.approx(1.0)
    near, far = np.zeros(400), np.zeros(400)
    near[[97, 122]] = 1.0
    far[[50, 170]] = 1.0
    assert vus_pr(labels, near, max_buffer=20) > vus_pr(labels, far, max_buffer=20) + 0.005
    constant = vus_pr(labels, np.zeros(400), max_buffer=0)
    assert constant == pytest.approx(20 / 400)
    assert np.isnan(vus_pr(np.zeros(5, dtype=np.int64), np.zeros(5), max_buffer=2))


def test_vus_pr_ignores_monotone_changes_of_the_score() -> None:
    rng = np.random.default_rng(0)
    labels, scores = (rng.random(300) < 0.05).astype(np.int64), rng.normal(size=300)
    assert vus_pr(labels, scores, max_buffer=9) == pytest.approx(vus_pr(labels, np.exp(scores), max_buffer=9))


def test_soft_labels_fall_off_as_the_root() -> None:
    labels = np.array([0, 0, 0, 1, 0, 0, 0])
    soft = soft_labels(labels, spans=events(labels), buffer=4)
    np.testing.assert_allclose(soft, [0, 0.5**0.5, 0.75**0.5, 1, 0.75**0.5, 0.5**0.5, 0])


@given(bits, st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_average_precision_equals_sklearn_with_ties(truth: list[int], levels: int) -> None:
    labels = np.array([*truth, 1])
    scores = np.random.default_rng(len(truth)).integers(0, levels + 1, size=len(labels)).astype(float)
    assert metrics.auc_pr(labels, scores) == pytest.approx(average_precision_score(labels, scores))


def test_class_metrics_equal_sklearn() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 4, 200), rng.integers(0, 5, 200)
    assert metrics.macro_f1(truth, predicted) == pytest.approx(f1_score(truth, predicted, average="macro"))
    kept = predicted < 4
    assert metrics.balanced_accuracy(truth[kept], predicted[kept]) == pytest.approx(
        balanced_accuracy_score(truth[kept], predicted[kept])
    )
    assert metrics.accuracy(np.array([1, 2, 3, 4]), np.array([1, 2, 0, 0])) == 0.5
    scores = rng.random((200, 4))
    expected = average_precision_score(np.eye(4)[truth], scores, average="macro")
    assert metrics.auprc(truth, scores) == pytest.approx(expected)


def test_forecast_errors_leave_out_missing_targets() -> None:
    truth, predicted = np.array([[1.0, np.nan], [3.0, 0.0]]), np.array([[2.0, 9.0], [1.0, 0.0]])
    assert metrics.mse(truth, predicted) == pytest.approx(5 / 3)
    assert metrics.mae(truth, predicted) == pytest.approx(1.0)
    assert np.isnan(metrics.mse(truth[:, 1:][:1], predicted[:, 1:][:1]))
    assert np.isnan(metrics.mae(truth[:0], predicted[:0]))
    assert np.isnan(metrics.auc_pr(np.array([0, 0]), np.array([0.1, 0.2])))


@given(bits)
@settings(max_examples=60, deadline=None)
def test_events_are_the_runs(truth: list[int]) -> None:
    labels = np.array(truth)
    rebuilt = np.zeros_like(labels)
    spans = events(labels)
    for first, last in spans:
        rebuilt[first : last + 1] = 1
        assert (first == 0 or labels[first - 1] == 0) and (last == len(labels) - 1 or labels[last + 1] == 0)
    np.testing.assert_array_equal(rebuilt, labels)


def test_event_adjustment_counts_only_alarms_in_time() -> None:
    labels = np.array([0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0])
    alarms = np.array([0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0])
    # The first event is found within 1 step and counts 4 steps; the second alarm comes too late.
    assert event_adjusted(labels, alarms, delay=1) == pytest.approx((4 / 5, 4 / 7, 2 * 4 / 12))
    assert event_adjusted(labels, alarms, delay=2) == pytest.approx((7 / 8, 1.0, 14 / 15))
    assert event_adjusted(labels, np.zeros(11, dtype=np.int64)) == (0.0, 0.0, 0.0)


def test_first_alarms_silence_the_delay() -> None:
    assert first_alarms(np.array([1, 1, 1, 1, 0, 1, 0, 0, 0, 1]), delay=2).tolist() == [1, 0, 0, 1, 0, 0, 0, 0, 0, 1]


def test_errors_are_clear() -> None:
    two, three = np.zeros(2, dtype=np.int64), np.zeros(3, dtype=np.int64)
    for function in (metrics.mse, metrics.mae, metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1):
        with pytest.raises(ValueError, match=r"agree in shape, got \(2,\) and \(3,\)"):
            function(two, three)
    with pytest.raises(ValueError, match="auc_pr"):
        metrics.auc_pr(two, three + 0.0)
    with pytest.raises(ValueError, match="n_classes"):
        metrics.auprc(two, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="labels and scores must agree"):
        vus_pr(two, three + 0.0, max_buffer=1)
    with pytest.raises(ValueError, match="max_buffer must be >= 0"):
        vus_pr(two, two + 0.0, max_buffer=-1)
    with pytest.raises(ValueError, match="labels and detections must agree"):
        event_adjusted(two, three)
