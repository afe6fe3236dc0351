"""Labels beside the data: their forms, and which case each belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from downstream import load_task
from downstream.cases.reading import plain_series, read_cases
from downstream.data.memory.labels import plain_labels
from downstream.data.options import LoadOptions
from downstream.data.sources import open_source
from downstream.errors import DataError, DataWarning

_OPTIONS = LoadOptions(name="n")
_WIDE = pd.DataFrame(np.arange(12.0).reshape(4, 3), columns=["t0", "t1", "t2"])
_PANEL = pd.concat({one: pd.DataFrame({"v": [0.0, place]}) for place, one in enumerate("DCBA")})


def labels_of(source: Any, y: Any) -> list[Any]:
    return list(read_cases(open_source(source, y=y)[0], options=_OPTIONS).train.labels)


@pytest.mark.parametrize("source", [_WIDE, _WIDE.to_numpy(), _PANEL, [frame for _, frame in _PANEL.groupby(level=0)]])
@pytest.mark.parametrize(
    "y",
    [
        [1, 0, 1, 0],
        (1, 0, 1, 0),
        np.array([1, 0, 1, 0]),
        pd.Series([1, 0, 1, 0], index=[9, 8, 7, 6]),
        pd.Series([1, 0, 1, 0], dtype="Int64"),
        pd.Series([1, 0, 1, 0], dtype="category"),
        pd.Categorical([1, 0, 1, 0]),
        pd.Index([1, 0, 1, 0]),
        torch.tensor([1, 0, 1, 0]),
    ],
)
def test_one_label_per_case_in_any_form(source: Any, y: Any) -> None:
    assert labels_of(source, y) == [1, 0, 1, 0]


def test_rows_of_a_frame_are_cases_and_its_columns_steps() -> None:
    train = read_cases(open_source(_WIDE, y=[0, 1, 0, 1])[0], options=_OPTIONS).train
    np.testing.assert_array_equal(train.cases[1], [[3], [4], [5]])
    assert train.steps == ("t0", "t1", "t2") and not train.has_names
    plain = plain_series(open_source(_WIDE)[0], options=_OPTIONS)
    assert plain.steps == train.steps and plain.variates == train.variates and not plain.has_names
    np.testing.assert_array_equal([one.values for one in plain.series], train.cases)
    labelled = plain_series(open_source(_WIDE.assign(label="x"))[0], options=_OPTIONS)
    assert labelled.steps == train.steps and len(labelled.series) == 4


def test_an_index_of_ids_decides() -> None:
    assert labels_of(_PANEL, pd.Series({"A": "a", "B": "b", "C": "c", "D": "d"})) == ["d", "c", "b", "a"]
    assert labels_of(_WIDE.set_axis([*"DCBA"]), pd.Series({"A": "a", "B": "b", "C": "c", "D": "d"})) == [*"dcba"]
    cases = {one: [0.0, 1.0] for one in "DCBA"}
    assert labels_of(cases, pd.Series({"A": "a", "B": "b", "C": "c", "D": "d"})) == [*"dcba"]
    assert labels_of(_WIDE, pd.Series([0, 1, 2, 3], index=[3, 2, 1, 0])) == [0, 1, 2, 3]  # a mere count of rows


def test_a_column_is_flattened_with_a_warning() -> None:
    for column in (np.array([[1], [0]]), pd.DataFrame({"y": [1, 0]}), [[1], [0]]):
        with pytest.warns(DataWarning, match=r"y is a column of shape \(2, 1\)"):
            assert plain_labels(column, source="s").tolist() == [1, 0]


def test_numbers_among_texts_stay_numbers() -> None:
    assert plain_labels([1, "1"], source="s").tolist() == [1, "1"]
    assert plain_labels(["1", "01"], source="s").tolist() == ["1", "01"]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.eye(4), r"got shape \(4, 4\); of one-hot rows pass y.argmax\(axis=1\)"),
        (5, r"got shape \(\)"),
        ([[1], [1, 2]], "entries of unequal length"),
        ([0, 1], "one label per case: 4 cases"),
    ],
)
def test_what_are_no_labels(y: Any, message: str) -> None:
    for source in (_WIDE, _PANEL, _WIDE.to_numpy()):
        with pytest.raises(DataError, match=message):
            labels_of(source, y)


def test_frames_in_pairs_are_read_as_frames() -> None:
    y = [0, 1, 0, 1]
    for source in ((_WIDE, y, _WIDE[:2], y[:2]), {"X": _WIDE, "y": y, "X_test": _WIDE[:2], "y_test": y[:2]}):
        pair = read_cases(open_source(source)[0], options=_OPTIONS)
        assert len(pair.train.cases) == 4 and pair.test is not None and pair.test.labels.tolist() == [0, 1]
    assert list(read_cases(open_source((_PANEL, y))[0], options=_OPTIONS).train.labels) == y
    with pytest.raises(DataError, match=r"of the same form"):
        open_source((_WIDE, y, _WIDE.to_numpy(), y))
    with pytest.raises(DataError, match=r"a test part is read as cases only"):
        load_task((_WIDE, None, _WIDE, None), kind="forecasting")


def test_forecasting_takes_no_labels_and_files_have_their_own(tmp_path: Path) -> None:
    for source in (_WIDE, _WIDE.to_numpy()):
        with pytest.raises(DataError, match=r"forecasting takes no y"):
            load_task(source, y=[0, 1, 0, 1], kind="forecasting")
    (tmp_path / "a_TRAIN.ts").write_text("@timestamps false\n@classLabel true a b\n@data\n1,2:a\n3,1:b\n")
    with pytest.raises(DataError, match=r"have their labels in them"):
        load_task(tmp_path / "a_TRAIN.ts", y=[0, 1], kind="classification")
    with pytest.raises(DataError, match=r"have their labels in them"):
        load_task((_WIDE.to_numpy(), [0, 1, 0, 1]), y=[0, 1, 0, 1], kind="classification")


def test_anomaly_detection_takes_a_label_per_row() -> None:
    rng = np.random.default_rng(0)
    frame, y = pd.DataFrame(rng.normal(size=(300, 2))), (np.arange(300) % 50 == 0).astype(int)
    with_column = load_task(frame.assign(label=y), kind="anomaly")
    assert load_task(frame, y=y, kind="anomaly").hash == with_column.hash
    assert load_task(frame.to_numpy().T, y=y, kind="anomaly").hash == with_column.hash
    with pytest.raises(DataError, match=r"one label per row: 300 rows, 2 labels"):
        load_task(frame, y=[0, 1], kind="anomaly")
    with pytest.raises(DataError, match=r"column 'y', row 2: labels are 0 .* got 2"):
        load_task(frame, y=np.arange(300), kind="anomaly")
