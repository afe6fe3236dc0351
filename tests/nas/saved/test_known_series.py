"""Which training series a series is: by its id, or the only one there is; else none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from downstream.data.raw import RawSeries, SeriesSet
from downstream.scaling import Scaler
from downstream.task import Identity
from nas.saved.matching import scaled


@pytest.mark.parametrize(
    ("ids", "n_trained", "names", "has_ids", "expected"),
    [
        (("a", "b"), 2, ("b", "x", "a"), True, [1, None, 0]),
        (("a", "b"), 2, ("a", "b"), False, [None, None]),
        ((), 2, ("a", "b"), True, [None, None]),
        ((), 1, ("x", "y"), False, [0, 0]),
        (("a",), 1, ("x",), True, [None]),
    ],
)
def test_known_series(
    ids: tuple[str, ...], n_trained: int, names: tuple[str, ...], has_ids: bool, expected: list[int | None]
) -> None:
    series = tuple(RawSeries(name, np.arange(20.0)[:, None], None, None) for name in names)
    data = SeriesSet(source="test", series=series, variates=("v",), has_names=True, has_ids=has_ids)
    scaler = Scaler(np.zeros((n_trained, 1)), np.ones((n_trained, 1)), n_rows_seen=20)
    saved = SimpleNamespace(
        identity=Identity(columns=("v",), series=ids), scaler=scaler, variates=("v",), kind="anomaly", window=8
    )
    found = list(scaled(data, saved))  # type: ignore[arg-type]  # what matching asks of an encoder's file
    assert [each.known for each in found] == expected
    for each in found:
        own = each.known is None
        assert np.allclose(each.values.mean(), 0, atol=1e-6) == own
