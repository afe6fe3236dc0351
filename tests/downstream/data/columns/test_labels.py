"""Which column holds the anomaly label, and what it says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from downstream.data.loading import load_plain_series
from downstream.errors import DataError, DataWarning


def _read(frame: pd.DataFrame, **options: object) -> tuple[tuple[str, ...], list[int] | None]:
    data = load_plain_series(frame, kind="anomaly", **options)
    labels = data.series[0].labels
    return data.variates, None if labels is None else labels.tolist()


@pytest.mark.parametrize(
    "values", [[0, 1, 0], [False, True, False], [0.0, 1.0, 0.0], ["0", "1", "0"], ["False", "TRUE", "false"]]
)
@pytest.mark.parametrize(
    "name", ["label", "is_anomaly", "Anomaly", "is_outlier", "outlier", "attack", "IsAttack", "labels"]
)
def test_labels_in_every_usual_dress(name: str, values: list[object]) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], name: values})
    if name == "label":
        assert _read(frame) == (("a",), [0, 1, 0])
        return
    with pytest.warns(DataWarning, match=f"column {name!r} is taken as the anomaly label"):
        assert _read(frame) == (("a",), [0, 1, 0])


def test_a_wanted_variate_is_no_label() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "attack": [0, 1]})
    assert _read(frame, variates=("a", "attack")) == (("a", "attack"), None)
    assert _read(frame.assign(label=[1, 0])) == (("a", "attack"), [1, 0])
    assert load_plain_series(frame, kind="forecasting").variates == ("a", "attack")


@pytest.mark.parametrize(
    "more", [{"anomaly": [0.5, 1]}, {"anomaly": [0, np.nan]}, {"anomaly": [0, 1], "attack": [0, 1]}]
)
def test_what_may_be_a_label_is_asked_for(more: dict[str, list[float]]) -> None:
    with pytest.raises(DataError, match=r"'anomaly'.* may hold the anomaly label .*; pass label_column="):
        _read(pd.DataFrame({"a": [1.0, 2.0], **more}))


def test_other_values_are_refused() -> None:
    with pytest.raises(DataError, match=r"column 'label', row 1: labels are 0 \(normal\) or 1 \(anomaly\), got 2$"):
        _read(pd.DataFrame({"a": [1.0, 2.0], "label": [0, 2]}))
