"""What the verbs make of data that is the training data in another order, under other names, or at another place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nas import ContrastiveNAS
from nas.cli import main
from nas.errors import OptionError
from nas.saved.encoder import load_encoder

QUICK = ("--preset", "ts2vec", "--iterations", "2", "--workers", "1", "--engine", "serial", "--quiet",
         "--no-report")  # fmt: skip


def wide(n: int = 600) -> pd.DataFrame:
    rng, time = np.random.default_rng(0), np.arange(n)
    return pd.DataFrame(
        {name: size * np.sin(time / 4) + 0.1 * rng.normal(size=n) for name, size in (("a", 1), ("b", 50))}
    )


def panel() -> pd.DataFrame:
    parts = []
    for name, level in (("A", 0), ("B", 1000)):
        part = wide(300).rename(columns={"a": "y"})[["y"]]
        parts.append(part.assign(y=part["y"] + level, unique_id=name, ds=np.arange(300)))
    return pd.concat(parts, ignore_index=True)[["unique_id", "ds", "y"]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new data")  # with a blank
    wide().to_csv(folder / "wide.csv", index=False)
    words = ("search", folder / "wide.csv", "--task", "forecasting", "--window", "24", "--horizons", "6", *QUICK)
    assert main([*map(str, words), "--output", str(folder / "run")]) == 0
    return folder


def embedded(run: Path, encoder: Path, frame: pd.DataFrame, *more: str) -> dict[str, np.ndarray]:
    frame.to_csv(run / "new.csv", index=False)
    output = run / "new.npz"
    words = ("embed", encoder, run / "new.csv", "--output", output, "--overwrite", "--quiet", *more)
    assert main([*map(str, words)]) == 0
    with np.load(output) as found:
        return dict(found)


def scores(run: Path, frame: pd.DataFrame, *more: str) -> dict[str, dict[str, float]]:
    frame.to_csv(run / "new.csv", index=False)
    words = ("evaluate", run / "run", run / "new.csv", "--output", run / "scores.json", "--overwrite", "--quiet", *more)
    assert main([*map(str, words)]) == 0
    return {row["method"]: row["metrics"] for row in json.loads((run / "scores.json").read_text())}


def test_columns_in_another_order_give_the_same_answer(run: Path) -> None:
    one, two = (embedded(run, run / "run", wide()[names])["embeddings"] for names in (["a", "b"], ["b", "a"]))
    np.testing.assert_array_equal(one, two)
    assert scores(run, wide()[["b", "a"]]) == scores(run, wide())


def test_evaluate_and_finetune_ask_what_the_search_asked(run: Path) -> None:
    assert load_encoder(run / "run").question == {"horizons": (6,), "known_targets": 2}
    assert "mse/6" in scores(run, wide())["this encoder"]
    assert "mse/3" in scores(run, wide(), "--horizons", "3")["this encoder"]
    words = ("finetune", run / "run", run / "wide.csv", "--mode", "linear", "--output", run / "tuned", "--quiet")
    assert main([*map(str, words)]) == 0
    assert load_encoder(run / "tuned").question["horizons"] == (6,)


def test_other_columns_must_be_chosen_by_name(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    renamed = wide().rename(columns={"a": "x", "b": "z"})
    renamed.to_csv(run / "renamed.csv", index=False)
    for verb in ("embed", "evaluate"):
        assert main([verb, str(run / "run"), str(run / "renamed.csv"), "--output", str(run / "no.npz")]) == 3
        assert "variates x, z, but the encoder mixes exactly 2: a, b" in capsys.readouterr().err
    assert embedded(run, run / "run", renamed, "--variates", "x,z")["embeddings"].shape[0] == 1


def test_a_panel_is_embedded_by_id(tmp_path: Path) -> None:
    panel().to_csv(tmp_path / "panel.csv", index=False)
    words = ("search", tmp_path / "panel.csv", "--task", "forecasting", "--window", "24", "--horizons", "6", *QUICK)
    assert main([*map(str, words), "--output", str(tmp_path / "run")]) == 0
    both = embedded(tmp_path, tmp_path / "run", panel())
    turned = embedded(tmp_path, tmp_path / "run", panel().iloc[::-1].sort_values("ds", kind="stable"))
    assert both["series"].tolist() == ["A", "B"] and turned["series"].tolist() == ["B", "A"]
    np.testing.assert_array_equal(turned["embeddings"], both["embeddings"][::-1])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_predict_answers_by_name_wherever_the_rows_stand(run: Path, suffix: str) -> None:
    times = pd.date_range("2024-01-01", periods=600, freq="h")

    def predicted(frame: pd.DataFrame, folder: str) -> pd.DataFrame:
        frame.assign(date=times[: len(frame)]).to_csv(run / "new.csv", index=False)
        output = run / f"predicted.{suffix}"
        words = ("predict", run / folder, run / "new.csv", "--output", output, "--overwrite")
        assert main([*map(str, words)]) == 0
        return pd.read_csv(output, float_precision="round_trip") if suffix == "csv" else pd.read_parquet(output)

    found = predicted(wide(), "run")
    assert list(pd.to_datetime(found["date"])) == list(pd.date_range(times[-1], periods=7, freq="h")[1:])
    assert list(found.columns) == ["date", *(f"{name}{more}" for name in "ab" for more in ("", "_0.1", "_0.5", "_0.9"))]
    model = ContrastiveNAS.load(run / "run")
    np.testing.assert_array_equal(found[["a", "b"]].to_numpy().T, model.predict(wide())[0])
    pd.testing.assert_frame_equal(predicted(wide()[["b", "a"]], "run"), found)
    if not (run / f"saved.{suffix}").exists():
        model.save(run / f"saved.{suffix}")
    pd.testing.assert_frame_equal(predicted(wide(), f"saved.{suffix}"), found)


def test_steps_are_those_of_the_estimator_with_their_times(run: Path, tmp_path: Path) -> None:
    model = ContrastiveNAS.load(run / "run")
    stamped = wide(60).assign(date=pd.date_range("2024-01-01", periods=60, freq="h"))
    steps = model.transform(stamped, level="step")
    named = model.set_output(transform="pandas").transform(stamped, level="step")
    assert named.index.names == ["series", "date"] and named.columns[0] == "contrastivenas0"
    np.testing.assert_array_equal(named.to_numpy(), steps[0])
    np.testing.assert_array_equal(embedded(run, run / "run", stamped, "--level", "step")["embeddings"], steps[0])
    stamped.to_csv(run / "stamped.csv", index=False)
    for output in (tmp_path / "z.csv", tmp_path / "z.parquet"):
        words = ("embed", run / "run", run / "stamped.csv", "--level", "step", "--output", output, "--quiet")
        assert main([*map(str, words)]) == 0
        found = pd.read_csv(output) if output.suffix == ".csv" else pd.read_parquet(output)
        assert list(found.columns[:4]) == ["series", "step", "date", "f0"]
        assert list(pd.to_datetime(found["date"])) == list(stamped["date"])
        np.testing.assert_allclose(found.iloc[:, 3:], steps[0], rtol=1e-5)
    ragged = model.set_output(transform="default").transform([wide(60).to_numpy().T, wide(50).to_numpy().T], "step")
    assert ragged.dtype == object and [len(each) for each in ragged] == [60, 50]
    with pytest.raises(OptionError, match="level: must be one of series, step, got 'steps'"):
        model.transform(stamped, level="steps")  # type: ignore[arg-type]


def test_home_is_home_for_every_path(tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(run))
    monkeypatch.chdir(tmp_path)
    assert main(["embed", "~/run", "~/wide.csv", "--output", "~/home.csv", "--quiet"]) == 0
    assert main(["evaluate", "~/run", "~/wide.csv", "--output", "~/home.json", "--quiet"]) == 0
    assert main(["finetune", "~/run", "~/wide.csv", "--mode", "linear", "--output", "~/home", "--quiet"]) == 0
    assert main(["status", "~/run"]) == 0
    assert main(["space", "show", "~/run", "--output", "~/home.svg"]) == 0
    assert main(["bank", "ls", "~/run/bank.sqlite"]) == 0
    assert main(["bank", "merge", "~/run/bank.sqlite", "--output", "~/home.sqlite"]) == 0
    assert not list(tmp_path.iterdir())
    assert {"home.csv", "home.json", "home", "home.svg", "home.sqlite"} <= {path.name for path in run.iterdir()}


def test_a_file_whose_name_is_no_text(run: Path) -> None:
    data = run / os.fsdecode(b"T\xe4.csv")
    wide().to_csv(data, index=False)
    for suffix in ("csv", "npz", "parquet"):
        output = run / f"named.{suffix}"
        assert main(["embed", str(run / "run"), str(data), "--output", str(output), "--quiet"]) == 0
        named = {"csv": pd.read_csv, "npz": np.load, "parquet": pd.read_parquet}[suffix](output)
        assert list(named["series"]) == ["T\\udce4.csv"]
    assert main(["evaluate", str(run / "run"), str(data), "--output", str(run / "named.json"), "--quiet"]) == 0


def test_a_warning_is_a_sentence_and_told_once(run: Path) -> None:
    wide().assign(note=1.0).to_csv(run / "more.csv", index=False)
    words = ["embed", run / "run", run / "more.csv", "--output", run / "more.npz", "--quiet", "--overwrite"]
    ended = subprocess.run([sys.executable, "-m", "nas.cli", *words], capture_output=True, text=True, check=True)
    assert ended.stderr == "tscnas: warning: more.csv: columns that training did not have are left out: note\n"
