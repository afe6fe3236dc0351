"""Splits of a run as a file: the same run comes out of it, and data that it is not about is refused in a sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nas import ContrastiveNAS
from nas.cli.program import main
from nas.options.search import SearchOptions
from nas.search import search


def waves(folder: Path, *, n_rows: int = 300) -> Path:
    values = np.sin(np.arange(n_rows) / 4) + 0.1 * np.random.default_rng(0).normal(size=n_rows)
    pd.DataFrame({"value": values}).to_csv(folder / "waves.csv", index=False)
    return folder / "waves.csv"


def options(folder: Path, **changes: Any) -> SearchOptions:
    how: dict[str, Any] = {"task": "forecasting", "preset": "simclr", "iterations": 2, "window": 16, "horizons": (4,)}
    how |= {"engine": "serial", "workers": 1, "report": False, "quiet": True, "output": str(folder)}
    return SearchOptions(**{**how, **changes})


def test_the_file_of_a_run_gives_the_same_run(tmp_path: Path) -> None:
    data = str(waves(tmp_path))
    first = search(options(tmp_path / "one", data=data))
    file = tmp_path / "one" / "splits.json"
    content = json.loads(file.read_text())
    spans = {"training": [0, 180], "validation": [180, 240], "test": [240, 300]}
    assert content["series"] == [{"position": 0, "id": None, "rows": 300, "left_out": False, **spans}]
    shown = search(options(tmp_path / "one", data=data, splits=str(file)))  # the same question: the answer is shown
    assert shown.text.strip().endswith(first.text)
    again = search(options(tmp_path / "two", data=data, splits=str(file), deterministic=True))
    facts = [json.loads((tmp_path / run / "run.json").read_text()) for run in ("one", "two")]
    assert facts[0]["task"]["hash"] == facts[1]["task"]["hash"]
    assert [row.scores.value for row in again.rows] == [row.scores.value for row in first.rows]
    assert [each["deterministic"] for each in facts] == [False, True]
    weights = [(tmp_path / run / "genotype.json").read_text() for run in ("one", "two")]
    assert weights[0] == weights[1]


def test_other_data_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "splits.json"
    entry = {"position": 0, "id": None, "rows": 299, "training": [0, 180], "validation": [180, 240], "test": [240, 299]}
    file.write_text(json.dumps({"schema": 1, "kind": "forecasting", "series": [entry]}))
    words = ["search", str(waves(tmp_path)), "--task", "forecasting", "--splits", str(file), "--quiet"]
    assert main([*words, "--output", str(tmp_path / "run")]) != 0
    said = capsys.readouterr().err
    assert "has 299 rows there, 300 in" in said and "Traceback" not in said and not (tmp_path / "run").exists()


def test_the_estimator_takes_the_file_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 1, 12)), np.array(["a", "b"] * 15)
    how: dict[str, Any] = {"preset": "simclr", "iterations": 1, "svm": False, "report": False}
    ContrastiveNAS(**how, output=tmp_path / "all").fit(x, y)
    content = json.loads((tmp_path / "all" / "splits.json").read_text())
    assert content["training"]["positions"] == list(range(30)) and content["test"]["positions"] == []
    content["training"]["positions"], content["test"]["positions"] = list(range(20)), list(range(20, 30))
    content["validation"]["folds"] = [[at // 10 for at in range(20)]]
    (tmp_path / "splits.json").write_text(json.dumps(content))
    ContrastiveNAS(**how, output=tmp_path / "some", splits=tmp_path / "splits.json").fit(x, y)
    taken = json.loads((tmp_path / "some" / "splits.json").read_text())
    assert all(taken[part] == content[part] for part in ("training", "test", "validation"))
