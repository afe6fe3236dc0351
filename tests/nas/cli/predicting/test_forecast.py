"""`tscnas forecast`: the steps after the end of new data, in the form of that data, or one sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import save_file

from compute.user_error import DATA, USAGE
from downstream.forecasting.predictor import FittedProbe
from nas import ContrastiveNAS
from nas.cli import main
from nas.saved.encoder import load_encoder
from tests.nas.cli.predicting.quick_search import searched

HORIZON = 6


def wide(n: int = 500) -> pd.DataFrame:
    rng, time = np.random.default_rng(0), np.arange(n)
    values = {name: size * (3 + np.sin(time / 4)) + rng.normal(size=n) / 9 for name, size in (("a", 1), ("b", 50))}
    return pd.DataFrame({"date": pd.date_range("2024-01-01", periods=n, freq="h"), **values})


def panel(n: int = 300) -> pd.DataFrame:
    parts = [
        wide(n)[["date", "a"]].rename(columns={"date": "ds", "a": "y"}).assign(unique_id=name)
        for name in ("007", "B", "C")
    ]
    long = pd.concat(parts, ignore_index=True)[["unique_id", "ds", "y"]]
    long["y"] += 100.0 * long["unique_id"].map({"007": 0, "B": 1, "C": 5})
    return long


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = ("--task", "forecasting", "--horizons", str(HORIZON))
    return searched(tmp_path_factory.mktemp("wide"), wide(), *options)


@pytest.fixture(scope="module")
def run_of_panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = ("--task", "forecasting", "--horizons", str(HORIZON))
    return searched(tmp_path_factory.mktemp("panel"), panel(), *options)


@pytest.fixture(autouse=True)
def quantiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a probe that has no quantiles some: a level moves the forecast by itself."""

    def moved(self: Any, represent: Any, series: Any, levels: Sequence[float]) -> Any:
        return self.predict(represent, series)[None] + np.asarray(levels)[:, None, None, None]

    if not hasattr(FittedProbe, "quantiles"):
        monkeypatch.setattr(FittedProbe, "quantiles", moved, raising=False)


def test_a_wide_file_comes_out_wide(run: Path, answered: Callable[..., pd.DataFrame]) -> None:
    found = answered("forecast", run, wide())
    beside = [f"{name}{level}" for name in "ab" for level in ("", "_0.1", "_0.5", "_0.9")]
    assert list(found.columns) == ["date", *beside] and len(found) == HORIZON
    assert list(pd.to_datetime(found["date"])) == list(wide(500 + HORIZON)["date"][500:])
    for name in "ab":
        assert (np.diff(found[[f"{name}_0.1", f"{name}_0.5", f"{name}_0.9"]], axis=1) > 0).all()
    truth = wide(500 + HORIZON)[["a", "b"]][500:].to_numpy()
    assert (np.abs(found[["a", "b"]] - truth) < [1.0, 40.0]).all(axis=None)  # in their own units


def test_a_long_file_comes_out_long_and_by_id(run_of_panel: Path, answered: Callable[..., pd.DataFrame]) -> None:
    found = answered("forecast", run_of_panel, panel(), "--quantiles", "0.9,0.05")
    assert list(found.columns) == ["unique_id", "ds", "y", "y_0.05", "y_0.9"]
    assert list(found["unique_id"]) == ["007"] * HORIZON + ["B"] * HORIZON + ["C"] * HORIZON
    assert (found.groupby("unique_id")["y"].mean().round(-2) == [0, 100, 500]).all()
    for name in ("007", "B"):
        alone = answered("forecast", run_of_panel, panel().query("unique_id == @name"), "--quantiles", "0.05,0.9")
        expected = found[found["unique_id"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, expected, check_exact=False, rtol=1e-5)
    turned = panel().sort_values(["ds", "unique_id"], ascending=[True, False])
    other = answered("forecast", run_of_panel, turned, "--quantiles", "0.05,0.9")
    assert list(other["unique_id"].unique()) == ["C", "B", "007"]
    other = other.sort_values(["unique_id", "ds"], ignore_index=True)
    pd.testing.assert_frame_equal(other, found, check_exact=False, rtol=1e-5)


def test_columns_are_matched_by_name(run: Path, answered: Callable[..., pd.DataFrame]) -> None:
    found = answered("forecast", run, wide())
    pd.testing.assert_frame_equal(answered("forecast", run, wide()[["b", "date", "a"]]), found)
    pd.testing.assert_frame_equal(answered("forecast", run, wide().assign(more=1.0)), found)
    renamed = answered("forecast", run, wide().rename(columns={"a": "x", "b": "z"}), "--variates", "x,z")
    assert list(renamed.columns[1::4]) == ["x", "z"]


def test_shorter_horizons_and_shorter_data(run: Path, answered: Callable[..., pd.DataFrame]) -> None:
    found = answered("forecast", run, wide())
    pd.testing.assert_frame_equal(answered("forecast", run, wide(), "--horizon", "2"), found[:2])
    assert list(answered("forecast", run, wide(), "--quantiles", "").columns) == ["date", "a", "b"]
    with pytest.warns(match="shorter than the window"):
        main(["forecast", str(run), str(_written(wide(20), run.parent)), "--output", str(run.parent / "short.csv")])
    assert len(pd.read_csv(run.parent / "short.csv")) == HORIZON


def _written(frame: pd.DataFrame, folder: Path) -> Path:
    frame.to_csv(folder / "new.csv", index=False)
    return folder / "new.csv"


def test_a_predictor_of_some_targets_names_these(
    run: Path, answered: Callable[..., pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = answered("forecast", run, wide())
    probe: Any = FittedProbe
    predict, quantiles = probe.predict, probe.quantiles
    # (series, targets, steps) and (levels, series, targets, steps)
    monkeypatch.setattr(probe, "quantiles", lambda self, *given: quantiles(self, *given)[:, :, :1])
    monkeypatch.setattr(probe, "predict", lambda self, *given: predict(self, *given)[:, :1])
    pd.testing.assert_frame_equal(answered("forecast", run, wide()), whole[["date", "a", "a_0.1", "a_0.5", "a_0.9"]])


def test_arrays_and_parquet(run: Path, tmp_path: Path, answered: Callable[..., pd.DataFrame]) -> None:
    values = wide()[["a", "b"]].to_numpy()
    np.savez(tmp_path / "one.npz", values=values.T)
    found = answered("forecast", run, tmp_path / "one.npz", "--quantiles", "")
    assert list(found.columns) == ["step", "variate_0", "variate_1"] and list(found["step"]) == [*range(500, 506)]
    expected = answered("forecast", run, wide(), "--quantiles", "")[["a", "b"]]
    np.testing.assert_allclose(found.iloc[:, 1:], expected, rtol=1e-5)
    np.savez(tmp_path / "two.npz", values=np.stack([values.T, values.T]))
    assert list(answered("forecast", run, tmp_path / "two.npz", "--quantiles", "")["series"].unique()) == [
        "series 0",
        "series 1",
    ]
    wide().to_parquet(tmp_path / "new.parquet")
    output = tmp_path / "forecast.parquet"
    assert main(["forecast", str(run), str(tmp_path / "new.parquet"), "--output", str(output)]) == 0
    assert list(pd.read_parquet(output)["date"]) == list(wide(500 + HORIZON)["date"][500:])


def test_a_folder_of_files(run: Path, tmp_path: Path, answered: Callable[..., pd.DataFrame]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    wide().to_csv(folder / "one.csv", index=False)
    wide().drop(columns="date").to_csv(folder / "=two.csv", index=False)
    found = answered("forecast", run, folder)
    assert list(found.columns[:2]) == ["series", "step"] or list(found.columns[:2]) == ["series", "date"]
    assert set(found["series"]) == {"'=two.csv", "one.csv"}  # no formula
    one, two = (found[found["series"] == name].drop(columns=found.columns[:2]) for name in ("one.csv", "'=two.csv"))
    np.testing.assert_allclose(one, two, rtol=1e-5)


def test_the_answer_of_the_verb_is_that_of_the_estimator(tmp_path: Path, answered: Callable[..., pd.DataFrame]) -> None:
    values = wide().drop(columns="date")
    model = ContrastiveNAS("forecasting", window=24, horizons=HORIZON, preset="ts2vec", iterations=2)
    model.fit(values).save(tmp_path / "saved")
    levels = [0.2, 0.7]
    found = answered("forecast", tmp_path / "saved", values, "--quantiles", "0.2,0.7")
    for each in (model, ContrastiveNAS.load(tmp_path / "saved")):
        np.testing.assert_array_equal(found[["a", "b"]].to_numpy().T, each.predict(values)[0])
        upper = each.predict_quantiles(values, levels)[:, 0]  # (levels, variates, steps)
        np.testing.assert_array_equal(found[["a_0.7", "b_0.7"]].to_numpy().T, upper[1])


def test_what_is_asked_must_make_sense(run: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    data = _written(wide(), tmp_path)
    ask = ("forecast", run, data, "--output", tmp_path / "no.csv")
    assert f"forecasts {HORIZON} time steps at most, got 7" in refused(*ask, "--horizon", "7", status=USAGE)
    assert "must be >= 1" in refused(*ask, "--horizon", "0", status=USAGE)
    assert "between 0 and 1, got 1" in refused(*ask, "--quantiles", "0.5,1", status=USAGE)
    assert "must differ" in refused(*ask, "--quantiles", "0.5,0.5", status=USAGE)
    assert "must be a number" in refused(*ask, "--quantiles", "half", status=USAGE)
    assert ".csv or .parquet" in refused("forecast", run, data, "--output", tmp_path / "no.npz", status=USAGE)
    (tmp_path / "mine.csv").write_text("mine")
    assert "exists" in refused("forecast", run, data, "--output", tmp_path / "mine.csv", status=USAGE)
    assert (tmp_path / "mine.csv").read_text() == "mine"


def test_data_that_does_not_fit(run: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    ask = ("forecast", run, tmp_path / "new.csv", "--output", tmp_path / "no.csv")
    for frame, word in (
        (wide().drop(columns="b"), "lacks 1 of the columns of training, such as 'b'"),
        (wide().assign(a="text"), "'text'"),
        (wide().iloc[::-1], "ascend"),
        (wide()[:0], "no row"),
        (wide()[:1], "a single time stamp"),
    ):
        _written(frame, tmp_path)
        assert word in refused(*ask, status=DATA)
    (tmp_path / "p_TRAIN.ts").write_text("@classLabel true a b\n@data\n1,2,3:a\n3,4,5:b\n")
    said = refused("forecast", run, tmp_path / "p_TRAIN.ts", "--output", tmp_path / "no.csv", status=DATA)
    assert "labelled cases" in said


def test_a_run_that_cannot_forecast(run: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    ask = (_written(wide(), tmp_path), "--output", tmp_path / "no.csv")
    other = tmp_path / "other"
    other.mkdir()
    for kind, word in (("anomaly", "tscnas detect answers"), ("regression", "tscnas predict answers")):
        replace(load_encoder(run), kind=kind, question={}).save(other / "encoder.safetensors")
        assert word in refused("forecast", other, *ask, status=USAGE)
    shutil.copy(run / "encoder.safetensors", other)
    assert "no predictor.safetensors" in refused("forecast", other, *ask, status=DATA)
    (other / "predictor.safetensors").symlink_to(run / "predictor.safetensors")
    assert "is a link" in refused("forecast", other, *ask, status=DATA)
    assert "no saved encoder" in refused("forecast", tmp_path / "nowhere", *ask, status=DATA)


def test_a_broken_predictor(
    run: Path, tmp_path: Path, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = (_written(wide(), tmp_path), "--output", tmp_path / "no.csv")
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(run / "encoder.safetensors", other)
    whole = (run / "predictor.safetensors").read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"\x80\x04pickle"):
        (other / "predictor.safetensors").write_bytes(content)
        assert "not a safetensors file" in refused("forecast", other, *ask, status=DATA)
    save_file({}, other / "predictor.safetensors", {"facts": '{"schema": 2, "kind": "forecasting"}'})
    assert "not a saved predictor" in refused("forecast", other, *ask, status=DATA)
    save_file({}, other / "predictor.safetensors", {"facts": '{"schema": 2, "kind": "anomaly"}'})
    assert "the predictor is not" in refused("forecast", other, *ask, status=DATA)

    def unfit(*_: object) -> None:
        raise RuntimeError("shapes 3 and 4\ndo not match")

    monkeypatch.setattr(FittedProbe, "predict", unfit)
    assert "does not fit the encoder beside it (shapes 3 and 4)" in refused("forecast", run, *ask, status=DATA)


def test_a_write_that_is_interrupted_leaves_nothing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: pd.DataFrame, path: Path, **_: object) -> None:
        Path(path).write_text("half")
        raise KeyboardInterrupt

    data = _written(wide(), tmp_path)
    monkeypatch.setattr(pd.DataFrame, "to_csv", interrupted)
    before = sorted(tmp_path.iterdir())
    assert main(["forecast", str(run), str(data), "--output", str(tmp_path / "no.csv")]) == 130
    assert sorted(tmp_path.iterdir()) == before


def test_no_name_is_a_formula(run: Path, tmp_path: Path) -> None:
    frame = wide().rename(columns={"a": "=a()", "b": "+b"})
    data, output = _written(frame, tmp_path), tmp_path / "safe.csv"
    words = ("forecast", run, data, "--variates", "=a(),+b", "--quantiles", "", "--output", output)
    assert main([*map(str, words)]) == 0
    assert output.read_text().splitlines()[0] == "date,'=a(),'+b"


def test_two_columns_of_one_name(run: Path, tmp_path: Path, refused: Callable[..., str]) -> None:
    data = _written(wide().rename(columns={"b": "a_0.1"}), tmp_path)
    said = refused("forecast", run, data, "--variates", "a,a_0.1", "--output", tmp_path / "no.csv", status=DATA)
    assert "two columns of the forecast would be called 'a_0.1'" in said


def test_the_answer_says_how_time_goes_on(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "forecast.csv"
    assert main(["forecast", str(run), str(_written(wide(), tmp_path)), "--output", str(output)]) == 0
    said = capsys.readouterr().out
    assert said == (
        f"{output}: 6 time steps of 2 variates; date goes on every hour, from 2024-01-21 20:00:00 to "
        "2024-01-22 01:00:00\n"
    )
