"""Runs of the command line that end well, or in one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from downstream.errors import DataWarning
from nas.cli import main


@pytest.fixture
def answered(tmp_path: Path) -> Callable[..., pd.DataFrame]:
    """Return a function that runs a verb on a run and a frame or a file, and reads what it wrote."""

    def answer(verb: str, run: Path, data: pd.DataFrame | Path, *more: str) -> pd.DataFrame:
        if isinstance(data, pd.DataFrame):
            data.to_csv(tmp_path / "new.csv", index=False)
            data = tmp_path / "new.csv"
        output = tmp_path / "answer.csv"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            assert main([*map(str, (verb, run, data, "--output", output, "--overwrite", *more))]) == 0
        return pd.read_csv(output, dtype={"unique_id": str}, float_precision="round_trip")

    return answer


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs a verb, demands a refusal that writes nothing, and returns the sentence."""

    def refuse(*words: object, status: int) -> str:
        capsys.readouterr()
        before = sorted(tmp_path.rglob("*"))
        assert main([*map(str, words)]) == status
        shown = capsys.readouterr()
        assert sorted(tmp_path.rglob("*")) == before and shown.out == "" and "Traceback" not in shown.err
        lines = [line for line in shown.err.splitlines() if not line.startswith("tscnas: warning: ")]
        assert len(lines) == 1 and lines[0].startswith("tscnas: error: "), shown.err
        return lines[0]

    return refuse
