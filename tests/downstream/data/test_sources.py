"""What a path, folder or object stands for."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from downstream import load_task
from downstream.data.files.parquet import read_parquet_table
from downstream.data.raw import CasePair, Tables
from downstream.data.sources import infer_kind, open_source
from downstream.errors import DataError, DataWarning

_TS = "@timestamps false\n@classLabel true a b\n@data\n{}"


def _set(folder: Path, name: str, *, ending: str = ".ts", test: bool = True) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}_TRAIN{ending}").write_text(_TS.format("1,2:a\n3,1:b\n4,5:b\n9,1:a\n"))
    if test:
        (folder / f"{name}_TEST{ending}").write_text(_TS.format("7,8:a\n"))


@pytest.mark.parametrize("path", ["Toy/Toy_TRAIN.ts", "Toy", "Toy/Toy"])
def test_file_folder_and_bare_name_find_both_parts(tmp_path: Path, path: str) -> None:
    _set(tmp_path / "Toy", "Toy")
    pair, name = open_source(tmp_path / path)
    assert isinstance(pair, CasePair) and name == "Toy"
    assert len(pair.train.cases) == 4 and pair.test is not None and len(pair.test.cases) == 1


def test_folder_prefers_the_set_of_its_own_name(tmp_path: Path) -> None:
    _set(tmp_path / "Toy", "Toy")
    _set(tmp_path / "Toy", "Toy_eq")
    assert open_source(tmp_path / "Toy")[1] == "Toy"


def test_folder_with_several_other_sets_is_refused(tmp_path: Path) -> None:
    _set(tmp_path / "sets", "One")
    _set(tmp_path / "sets", "Two")
    with pytest.raises(DataError, match=r"several sets, pass one of One, Two"):
        open_source(tmp_path / "sets")


def test_folder_without_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"neither a .*_TRAIN file"):
        open_source(tmp_path)


def test_a_test_part_is_read_with_its_training_part_or_alone(tmp_path: Path) -> None:
    _set(tmp_path, "Toy")
    with pytest.warns(DataWarning, match=r"Toy_TEST.ts: this is a test part; the training part Toy_TRAIN.ts is read"):
        pair, _ = open_source(tmp_path / "Toy_TEST.ts")
    assert isinstance(pair, CasePair) and len(pair.train.cases) == 4 and pair.test is not None
    alone, _ = open_source(tmp_path / "Toy_TEST.ts", alone=True)
    assert isinstance(alone, CasePair) and len(alone.train.cases) == 1 and alone.test is None
    (tmp_path / "Toy_TRAIN.ts").unlink()
    with pytest.raises(DataError, match=r"this is a test part, and there is no training part"):
        open_source(tmp_path / "Toy_TEST.ts")


def test_unknown_kind_and_missing_file(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("x")
    with pytest.raises(DataError, match=r"unknown kind of file '.xlsx' \(known: .ts, .arff, .csv"):
        open_source(tmp_path / "a.xlsx")
    with pytest.raises(DataError, match=r"did you mean 'a.xlsx'"):
        open_source(str(tmp_path / "a.xls"))


def test_objects_that_are_no_data() -> None:
    with pytest.raises(TypeError, match=r"takes a path, a DataFrame, .* got set"):
        open_source({1, 2})
    frame = pd.DataFrame(np.ones((2, 2)), columns=["a", "a"])
    with pytest.raises(DataError, match=r"a column name occurs more than once"):
        open_source(frame)


def test_frames_are_left_as_they_are() -> None:
    frame = pd.DataFrame({0: [1.0, 2.0]})
    source, _ = open_source(frame)
    assert isinstance(source, Tables) and list(source.tables[0].frame.columns) == ["0"] and list(frame.columns) == [0]
    assert isinstance(open_source(frame[0])[0], Tables)


def test_kind_follows_the_stated_rule(tmp_path: Path) -> None:
    _set(tmp_path, "Toy")
    (tmp_path / "a.csv").write_text("step,v,label,split\n0,1,0,train\n")
    (tmp_path / "b.csv").write_text("step,v,label\n0,1,0\n")
    kinds = [infer_kind(open_source(tmp_path / name)[0]) for name in ("Toy_TRAIN.ts", "a.csv", "b.csv")]
    assert kinds == ["classification", "anomaly", "forecasting"]
    assert infer_kind(open_source(np.ones((3, 2)), y=[0, 1, 0])[0]) == "classification"
    assert infer_kind(open_source(np.ones((3, 2)))[0]) == "forecasting"


def test_cases_are_no_series(tmp_path: Path) -> None:
    _set(tmp_path, "Toy")
    for kind in ("forecasting", "anomaly"):
        with pytest.raises(DataError, match=r"load it with kind='classification'"):
            load_task(tmp_path / "Toy_TRAIN.ts", kind=kind)


def test_unknown_kind_of_task() -> None:
    with pytest.raises(ValueError, match=r"kind must be one of .* got 'clustering'"):
        load_task(np.ones(3), kind="clustering")


def test_several_tables_have_no_labels(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("label,t0\nx,1\n")
    with pytest.raises(DataError, match=r"with a case per file, 2 here, nothing says the labels"):
        load_task(tmp_path, kind="classification")


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=300)}, index=pd.date_range("2020", periods=300))
    frame.to_parquet(tmp_path / "set.parquet")
    frame.to_csv(tmp_path / "set.csv", index_label="date")
    one, two = (load_task(tmp_path / f"set.{suffix}", kind="forecasting") for suffix in ("parquet", "csv"))
    assert one.hash == two.hash == load_task(frame, kind="forecasting").hash


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "set.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match=r'pip install "ts-contrastive-nas\[parquet\]"'):
        read_parquet_table(tmp_path / "set.parquet")


def test_wrong_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    path = tmp_path / "set.parquet"
    path.write_bytes(b"PAR1 and then nothing of the kind")
    with pytest.raises(DataError, match=r"the parquet file is corrupt"):
        read_parquet_table(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"the content is not parquet"):
        read_parquet_table(path)
