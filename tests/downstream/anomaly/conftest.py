"""A small anomaly task, and an encoder whose answers are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from downstream.anomaly.task import AnomalyTask, LabelledRows
from downstream.scaling import Scaler
from downstream.task import Sealed, TaskSpec
from downstream.windows import Windows

WINDOW = 8


class Toy:
    """Makes tasks: noise with spikes of two steps in validation and test rows."""

    window = WINDOW

    @staticmethod
    def task(n_series: int = 2, *, n: int = 400, size: float = 6.0) -> AnomalyTask:
        rng = np.random.default_rng(0)
        series, validation, test = [], [], []
        for number in range(n_series):
            values = rng.normal(size=(3 * n, 2)).astype(np.float32)
            labels = np.zeros(3 * n, dtype=np.int8)
            for place in (n + 50, n + 200, 2 * n + 90, 2 * n + 300):
                values[place : place + 2] += size
                labels[place : place + 2] = 1
            name = f"s{number}"
            series.append(values[:n])
            validation.append(LabelledRows(values[: 2 * n], labels[n : 2 * n], context=n, name=name))
            rest = np.concatenate([values[:n], values[2 * n :]])
            test.append(LabelledRows(rest, labels[2 * n :], context=n, name=name))
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

    @staticmethod
    def relabelled(rows: LabelledRows, labels: NDArray[np.int8] | None) -> LabelledRows:
        return replace(rows, labels=labels)

    @staticmethod
    def mean_and_last(windows: Windows, *, mask_last: bool = False) -> NDArray[np.float32]:
        """Mean and last value of each variate, (n, variates, 2)."""
        assert not mask_last
        x = np.nan_to_num(windows.gather())
        return np.stack([x.mean(axis=1), x[:, -1]], axis=2)


@pytest.fixture(scope="session")
def toy() -> type[Toy]:
    return Toy
