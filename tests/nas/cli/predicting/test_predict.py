"""`tscnas predict`: whatever a run was for, in rows with the ids of new data, in any order and in any company."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compute.user_error import DATA, USAGE
from nas import ContrastiveNAS
from nas.cli import main
from tests.nas.cli.predicting.quick_search import QUICK, searched

STEPS, N = 20, 16


def cases(n: int = N) -> pd.DataFrame:
    """Return a case per row: noisy sines of two periods, and what they are called."""
    rng = np.random.default_rng(0)
    slow = np.arange(n) % 2 == 0
    x = np.sin(np.arange(STEPS) / np.where(slow, 4.0, 1.5)[:, None]) + 0.2 * rng.normal(size=(n, STEPS))
    frame = pd.DataFrame(x, columns=[f"t{step}" for step in range(STEPS)])
    return frame.assign(sort=np.where(slow, "slow", "=fast"), size=np.where(slow, 4.0, 1.5) + frame["t3"])


def panel(n: int = 6) -> pd.DataFrame:
    """Return the same cases long, two channels each, under ids that are no numbers."""
    parts = [
        pd.DataFrame({"unique_id": f"p{n - row:02}", "ds": np.arange(STEPS), "up": x, "down": -10.0 * x})
        for row, x in enumerate(cases(n).iloc[:, :STEPS].to_numpy())
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run on a table with bars between its cells, and a label column of its own."""
    folder = tmp_path_factory.mktemp("classes")
    cases().drop(columns="size").to_csv(folder / "training.csv", index=False, sep="|")
    words = ("search", folder / "training.csv", "--task", "classification", "--label-column", "sort", *QUICK)
    assert main([*map(str, words), "--separator", "|", "--output", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def by_id(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("by id")
    frame = panel(12)
    frame.assign(label=frame["unique_id"].str[-1].astype(int) % 2).to_csv(folder / "training.csv", index=False)
    words = ("search", folder / "training.csv", "--task", "classification", *QUICK, "--output", folder / "run")
    assert main([*map(str, words)]) == 0
    return folder / "run"


def said(run: Path, frame: pd.DataFrame, folder: Path, *, sep: str = ",") -> pd.DataFrame:
    frame.to_csv(folder / "new.csv", index=False, sep=sep)
    words = ("predict", run, folder / "new.csv", "--output", folder / "said.csv", "--overwrite")
    assert main([*map(str, words)]) == 0
    return pd.read_csv(folder / "said.csv", float_precision="round_trip", dtype={"unique_id": str})


def test_the_run_knows_how_its_tables_are_written_and_what_its_labels_are_called(classes: Path, tmp_path: Path) -> None:
    bare = cases().drop(columns=["sort", "size"])
    found = said(classes, bare, tmp_path, sep="|")
    assert list(found.columns) == ["case", "class", "probability_=fast", "probability_slow"]  # this one is no formula
    assert set(found["class"]) == {"'=fast", "slow"}
    np.testing.assert_allclose(found.iloc[:, 2:].sum(axis=1), 1.0)
    assert list(found["class"] == "slow") == list(found["probability_slow"] > 0.5)
    labelled = said(classes, cases().drop(columns="size"), tmp_path, sep="|")
    pd.testing.assert_frame_equal(labelled.iloc[:, 1:], found.iloc[:, 1:])
    # what labels the data has changes nothing, and the same commands need no more than the run
    assert main(["evaluate", str(classes), str(classes.parent / "training.csv"), "--no-svm", "--quiet"]) == 0
    words = ("finetune", classes, classes.parent / "training.csv", "--mode", "linear", "--quiet")
    assert main([*map(str, words), "--output", str(tmp_path / "tuned")]) == 0
    assert main(["embed", str(classes), str(tmp_path / "new.csv"), "--output", str(tmp_path / "z.npz"), "--quiet"]) == 0


def test_the_answer_is_that_of_the_estimator_and_the_same_in_parquet(classes: Path, tmp_path: Path) -> None:
    bare = cases().drop(columns=["sort", "size"])
    model = ContrastiveNAS.load(classes)
    model.save(tmp_path / "saved")
    bare.to_csv(tmp_path / "new.csv", index=False, sep="|")
    for run in (classes, tmp_path / "saved"):
        words = ("predict", run, tmp_path / "new.csv", "--output", tmp_path / "said.parquet", "--overwrite")
        assert main([*map(str, words)]) == 0
        found = pd.read_parquet(tmp_path / "said.parquet")
        assert list(found["class"]) == list(model.predict(bare))
        np.testing.assert_array_equal(found.iloc[:, 2:], model.predict_proba(bare))
        assert list(found.columns[2:]) == [f"probability_{name}" for name in model.classes_]


def test_cases_and_steps_in_another_order_and_alone(classes: Path, tmp_path: Path) -> None:
    bare = cases().drop(columns=["sort", "size"])
    found = said(classes, bare, tmp_path, sep="|").iloc[:, 2:].to_numpy()
    turned = said(classes, bare.iloc[::-1][bare.columns[::-1]], tmp_path, sep="|").iloc[:, 2:].to_numpy()
    np.testing.assert_allclose(turned[::-1], found, atol=1e-5)
    np.testing.assert_allclose(said(classes, bare[3:4], tmp_path, sep="|").iloc[:, 2:], found[3:4], atol=1e-5)


def test_rows_bear_the_ids_of_the_data(by_id: Path, tmp_path: Path) -> None:
    found = said(by_id, panel(), tmp_path)
    assert list(found["unique_id"]) == [f"p{number:02}" for number in range(6, 0, -1)]
    turned = panel().sample(frac=1.0, random_state=0).sort_values("ds", kind="stable")
    other = said(by_id, turned[["down", "ds", "unique_id", "up"]], tmp_path).sort_values("unique_id", ascending=False)
    assert list(other["unique_id"]) == list(found["unique_id"]) and list(other["class"]) == list(found["class"])
    np.testing.assert_allclose(other.iloc[:, 2:], found.iloc[:, 2:], atol=1e-5)
    alone = said(by_id, panel().query("unique_id == 'p03'"), tmp_path)
    np.testing.assert_allclose(alone.iloc[:, 2:], found.query("unique_id == 'p03'").iloc[:, 2:], atol=1e-5)


def test_numbers_of_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    frame = cases().drop(columns="sort")
    frame.to_csv(tmp_path / "training.csv", index=False)
    words = ("search", tmp_path / "training.csv", "--task", "regression", "--label-column", "size", *QUICK)
    assert main([*map(str, words), "--output", str(run)]) == 0
    assert "tscnas predict" in capsys.readouterr().out
    found = said(run, frame.drop(columns="size"), tmp_path)
    assert list(found.columns) == ["case", "value"]
    np.testing.assert_array_equal(found["value"], ContrastiveNAS.load(run).predict(frame.drop(columns="size")))
    assert "16 cases, values from " in capsys.readouterr().out


def test_forecasts_and_anomalies_are_those_of_their_verbs(
    tmp_path: Path, answered: Callable[..., pd.DataFrame], refused: Callable[..., str]
) -> None:
    time = np.arange(300)
    frame = pd.DataFrame({"date": pd.date_range("2024-01-01", periods=300, freq="h"), "a": np.sin(time / 4)})
    frame["a"] += np.random.default_rng(0).normal(size=300) / 9
    for task, verb, own in (
        ("forecasting", "forecast", ("--horizon", "2", "--quantiles", "0.2")),
        ("anomaly", "detect", ("--threshold", "2")),
    ):
        folder = tmp_path / task
        folder.mkdir()
        run = searched(folder, frame, "--task", task, *(("--horizons", "6") if task == "forecasting" else ()))
        for more in ((), own):
            pd.testing.assert_frame_equal(answered("predict", run, frame, *more), answered(verb, run, frame, *more))
    ask = ("predict", tmp_path / "anomaly" / "run", tmp_path / "new.csv", "--output", tmp_path / "no.csv")
    assert "horizon: goes with runs for forecasting" in refused(*ask, "--horizon", "2", status=USAGE)
    assert "the run is for anomaly, so it cannot forecast" in refused("forecast", *ask[1:], status=USAGE)


def test_what_cannot_be_answered_is_said(
    classes: Path, tmp_path: Path, answered: Callable[..., pd.DataFrame], refused: Callable[..., str]
) -> None:
    cases().drop(columns=["sort", "size", "t3"]).to_csv(tmp_path / "new.csv", index=False, sep="|")
    ask = ("predict", classes, tmp_path / "new.csv", "--output", tmp_path / "no.csv")
    assert "must be the 20 of training; 't3' is in one" in refused(*ask, status=DATA)
    assert "threshold: goes with runs for anomaly" in refused(*ask, "--threshold", "2", status=USAGE)
    assert "cannot detect; tscnas predict answers" in refused("detect", *ask[1:], status=USAGE)
    (tmp_path / "mine.csv").write_text("mine")
    assert "exists" in refused(*ask[:-1], tmp_path / "mine.csv", status=USAGE)
