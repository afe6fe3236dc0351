"""The folder of a search is a saved estimator; of another folder one sentence says why it is none."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nas import ContrastiveNAS
from nas.cli import main
from nas.saved.tensor_file import SavedEncoderError

QUICK = ("--preset", "ts2vec", "--iterations", "2", "--workers", "1", "--engine", "serial", "--quiet")


def frame(n: int = 400) -> pd.DataFrame:
    rng, time = np.random.default_rng(0), np.arange(n)
    values = {name: size * np.sin(time / 4) + 0.1 * rng.normal(size=n) for name, size in (("a", 1), ("b", 50))}
    return pd.DataFrame({"when": pd.date_range("2024-01-01", periods=n, freq="h"), **values, "c": time % 7})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    frame().to_csv(folder / "data.csv", index=False, sep=";")
    words = ("search", folder / "data.csv", "--task", "forecasting", "--window", "24", "--horizons", "6", *QUICK)
    more = ("--target", "b", "--variates", "a,b", "--separator", ";", "--rng-seed", "3", "--no-svm")
    assert main([*map(str, words), *more, "--output", str(folder / "run")]) == 0
    return folder / "run"


def test_it_knows_what_the_search_was_asked_and_found(run: Path, tmp_path: Path) -> None:
    model = ContrastiveNAS.load(str(run))
    asked = {"kind": "forecasting", "window": 24, "horizons": (6,), "target": ("b",), "variates": ("a", "b")}
    asked |= {"table_form": {"separator": ";"}, "preset": "ts2vec", "iterations": 2, "rng_seed": 3, "svm": False}
    assert {name: model.get_params()[name] for name in asked} == asked
    assert list(model.feature_names_in_) == ["b", "a"] and model.n_features_in_ == 2
    assert model.result_text_ == (run / "answer.txt").read_text().rstrip("\n")
    assert model.scores_["chosen"] == pd.read_csv(run / "scores.csv")["value"][0]
    assert list(model.ranking_["genotype"]) == [model.best_genotype_.key]
    predicted = model.predict(run.parent / "data.csv")
    assert predicted.shape == (1, 1, 6)
    words = ("forecast", run, run.parent / "data.csv", "--quantiles", "", "--output", tmp_path / "forecast.csv")
    assert main([*map(str, words)]) == 0
    written = pd.read_csv(tmp_path / "forecast.csv", float_precision="round_trip")
    assert list(written.columns) == ["when", "b"]
    np.testing.assert_array_equal(predicted[0, 0], written["b"])
    model.save(tmp_path / "saved")
    again = ContrastiveNAS.load(tmp_path / "saved")
    assert again.get_params() == model.get_params()
    for name in ("transform", "predict"):
        np.testing.assert_array_equal(getattr(again, name)(frame()), getattr(model, name)(frame()))
    words = ("embed", tmp_path / "saved", run.parent / "data.csv", "--output", tmp_path / "z.npz", "--quiet")
    assert main([*map(str, words)]) == 0
    with np.load(tmp_path / "z.npz") as embedded:
        np.testing.assert_array_equal(embedded["embeddings"], model.transform(frame()))


def test_an_older_folder_has_no_predictor(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "old")
    for name in ("predictor.safetensors", "answer.txt"):
        (tmp_path / "old" / name).unlink()
    facts = json.loads((run / "run.json").read_text())
    (tmp_path / "old" / "run.json").write_text(json.dumps({k: v for k, v in facts.items() if k != "space"}))
    model = ContrastiveNAS.load(tmp_path / "old")
    np.testing.assert_array_equal(model.transform(frame()), ContrastiveNAS.load(run).transform(frame()))
    with pytest.raises(SavedEncoderError, match=r"no predictor.safetensors: its search is of an earlier version"):
        model.predict(frame())


def test_the_folder_of_a_fit_is_the_fitted_estimator(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(12, 20, 2)) + np.arange(12)[:, None, None] % 2
    model = ContrastiveNAS(preset="ts2vec", iterations=2, layout="ntc", output=tmp_path / "run", window=None)
    model.fit(x, np.arange(12) % 2)
    loaded = ContrastiveNAS.load(tmp_path / "run")
    assert loaded.layout == "ntc" and loaded.classes_.dtype == model.classes_.dtype
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    model.set_params(overwrite=True, iterations=1).fit(x, np.arange(12) % 2)
    assert ContrastiveNAS.load(tmp_path / "run").iterations == 1


def test_another_folder_says_what_it_is(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = run.parent / "data.csv"
    words = ("search", data, "--task", "forecasting", "--separator", ";", "--horizons", "6", "--zero-shot", "--quiet")
    assert main([*map(str, words), "--candidates", "20", "--output", str(tmp_path / "ranked")]) == 0
    for name, gone in (("begun", ("run.json", "encoder.safetensors")), ("nearly", ("run.json",))):
        shutil.copytree(run, tmp_path / name)
        for file in gone:
            (tmp_path / name / file).unlink()
    (tmp_path / "bare").mkdir()
    shutil.copy(run / "encoder.safetensors", tmp_path / "bare")
    (tmp_path / "empty").mkdir()
    reasons = {
        "ranked": "stopped after the ranking (--zero-shot), so nothing is trained; tscnas search DATA --genotype",
        "begun": "its search is not finished; the same command goes on with it, and tscnas status",
        "nearly": "its search is not finished",
        "bare": "it is no folder of a search, nor of ContrastiveNAS.save",
        "empty": "it is no folder of a search, nor of ContrastiveNAS.save",
        "nowhere": "no saved encoder at",
    }
    for name, why in reasons.items():
        with pytest.raises(SavedEncoderError, match=re.escape(why)):
            ContrastiveNAS.load(tmp_path / name)
    capsys.readouterr()
    for verb in ("predict", "embed", "evaluate", "finetune"):
        assert main([verb, str(tmp_path / "ranked"), str(data), "--output", str(tmp_path / "no.csv")]) == 3
        assert "so nothing is trained" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["[]", '{"options": {"separator": 5}}', '{"options": {"separator": "abc"}}', "{"])
def test_a_damaged_configuration_is_one_sentence(content: str, run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "config.json").write_text(content)
    with pytest.raises(SavedEncoderError, match=r"JSON|cannot be read"):
        ContrastiveNAS.load(tmp_path / "run")
