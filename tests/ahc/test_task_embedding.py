"""Task embeddings: deterministic, order-free, from training windows, and telling of the series."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from ahc.series_features import N_KERNELS, STATISTICS, convolution_features, standardise_rows, statistics
from ahc.task_embedding import FEATURE_NAMES, embed_task, feature_weights
from downstream.task import Task, TaskSpec
from downstream.windows import Windows


@dataclass
class FakeTask:
    windows: Windows
    horizons: tuple[int, ...] = (24, 48)
    classes: tuple[str, ...] = ()
    spec: TaskSpec = field(init=False)

    def __post_init__(self) -> None:
        self.spec = TaskSpec("fake", "forecasting", self.windows.length, self.horizons, 1, "mse", False, "f", "p")

    def training_windows(self) -> Windows:
        return self.windows


def task_of(values: NDArray[np.float64], *, length: int, stride: int = 1) -> Task:
    starts = np.arange(0, len(values) - length + 1, stride)
    return cast(Task, FakeTask(Windows(values.astype(np.float32), starts.astype(np.int64), length)))


def of(vector: NDArray[np.float32], name: str) -> float:
    return float(vector[FEATURE_NAMES.index(name)])


def waves(n_variates: int, *, steps: int = 1500) -> NDArray[np.float64]:
    rng = np.random.default_rng(3)
    time_axis = np.arange(steps)[:, None]
    periods = rng.uniform(6, 60, size=n_variates)
    return np.sin(2 * np.pi * time_axis / periods) + 0.3 * rng.normal(size=(steps, n_variates)).cumsum(axis=0) ** 0.0


def test_it_is_finite_named_and_repeatable() -> None:
    values = waves(3) + np.random.default_rng(0).normal(size=(1500, 3))
    vector = embed_task(task_of(values, length=96))
    assert vector.shape == (len(FEATURE_NAMES),) == feature_weights().shape
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    np.testing.assert_array_equal(vector, embed_task(task_of(values, length=96)))


@pytest.mark.parametrize("n_variates", [3, 40])
def test_the_order_of_variates_changes_nothing(n_variates: int) -> None:
    rng = np.random.default_rng(1)
    values = waves(n_variates) + rng.normal(size=(1500, n_variates)) * rng.uniform(0.1, 1, size=n_variates)
    order = rng.permutation(n_variates)
    straight, turned = embed_task(task_of(values, length=96)), embed_task(task_of(values[:, order], length=96))
    np.testing.assert_allclose(straight, turned, atol=1e-4)


def test_scale_and_offset_change_nothing() -> None:
    values = waves(2) + np.random.default_rng(2).normal(size=(1500, 2))
    moved = values * np.array([100.0, 0.5]) + np.array([3.0, -7.0])
    np.testing.assert_allclose(embed_task(task_of(values, length=96)), embed_task(task_of(moved, length=96)), atol=2e-3)


def test_different_sources_lie_apart() -> None:
    rng = np.random.default_rng(4)
    noise = [embed_task(task_of(rng.normal(size=(1500, 2)), length=96)) for _ in range(2)]
    walk = [embed_task(task_of(rng.normal(size=(1500, 2)).cumsum(axis=0), length=96)) for _ in range(2)]
    weights = feature_weights()
    within = max(np.linalg.norm((pair[0] - pair[1]) * weights) for pair in (noise, walk))
    between = min(np.linalg.norm((a - b) * weights) for a in noise for b in walk)
    assert between > 2 * within


def test_facts_are_what_they_say() -> None:
    values = np.random.default_rng(5).normal(size=(500, 4))
    values[:, 1] = values[:, 0]
    values[:250, 2] = np.nan
    vector = embed_task(task_of(values, length=50, stride=50))
    assert of(vector, "log_windows") == pytest.approx(np.log1p(10))
    assert of(vector, "log_length") == pytest.approx(np.log1p(50))
    assert of(vector, "log_variates") == pytest.approx(np.log1p(4))
    assert of(vector, "missing_share") == pytest.approx(1 / 8)
    assert of(vector, "log_mean_horizon") == pytest.approx(np.log1p(36))
    assert [of(vector, f"kind_{kind}") for kind in ("forecasting", "classification", "anomaly")] == [1.0, 0.0, 0.0]
    assert of(vector, "cross_correlation") > 1 / 6  # one pair of six is a perfect copy


def test_missing_tails_and_constant_rows_stay_finite() -> None:
    values = np.random.default_rng(6).normal(size=(400, 2))
    values[30:50] = np.nan
    values[100:150, 0] = 1e6
    values[300:350] = np.nan
    assert np.isfinite(embed_task(task_of(values, length=50, stride=50))).all()
    for length in (1, 2, 3):
        assert np.isfinite(embed_task(task_of(values, length=length, stride=7))).all()


def test_statistics_of_known_series() -> None:
    steps = np.arange(200)
    rows = np.stack([np.sin(2 * np.pi * steps / 20), steps.astype(float), np.repeat([0.0, 1.0], 100)])
    found = statistics(rows, standardised=standardise_rows(rows))
    sine, line, step = ({name: found[at, i] for i, name in enumerate(STATISTICS)} for at in range(3))
    assert sine["spectral_entropy"] == pytest.approx(0.0, abs=1e-3)
    assert sine["dominant_share"] == pytest.approx(1.0, abs=1e-6)
    assert sine["log_dominant_cycles"] == pytest.approx(np.log(10))
    assert sine["autocorrelation_0.1L"] == pytest.approx(0.9, abs=1e-6)  # one period, 180 of 200 products
    assert np.exp(sine["log_kurtosis"]) == pytest.approx(1.5, abs=5e-3)
    assert line["trend_strength"] == pytest.approx(1.0)
    assert sine["trend_strength"] < 0.1
    assert line["flat_share"] == 0.0
    assert step["flat_share"] == pytest.approx(198 / 199)


def test_convolutions_equal_a_loop() -> None:
    from ahc.series_features import _KERNEL_LENGTH, _dilation, _kernels

    rows = standardise_rows(np.random.default_rng(7).normal(size=(2, 40)))
    found = convolution_features(rows)
    weights, biases = (tensor.double().numpy() for tensor in _kernels())
    np.testing.assert_allclose(weights.sum(axis=1), 0.0, atol=1e-5)
    for kernel in (0, 5, N_KERNELS - 1):
        dilation = 1 if kernel % 2 == 0 else _dilation(kernel, steps=40)
        half = _KERNEL_LENGTH // 2
        for row in range(2):
            response = []
            for t in range(40):
                taps = [(t + (i - half) * dilation, w) for i, w in enumerate(weights[kernel])]
                response.append(biases[kernel] + sum(w * rows[row, at] for at, w in taps if 0 <= at < 40))
            assert found[row, kernel] == pytest.approx(np.mean(np.array(response) > 0), abs=1e-6)
            assert found[row, N_KERNELS + kernel] == pytest.approx(max(response), abs=1e-4)


def test_large_tasks_take_seconds() -> None:
    values = np.random.default_rng(8).normal(size=(20_000, 64))
    start = time.process_time()
    embed_task(task_of(values, length=512))
    assert time.process_time() - start < 5.0


def test_refuses_a_task_without_windows() -> None:
    empty = cast(Task, FakeTask(Windows(np.zeros((5, 1), dtype=np.float32), np.array([], dtype=np.int64), 3)))
    with pytest.raises(ValueError, match="'fake' has no training window"):
        embed_task(empty)
