"""Searches that take a second or two."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nas.cli import main

QUICK = ("--preset", "ts2vec", "--iterations", "2", "--workers", "1", "--engine", "serial", "--quiet",
         "--no-report")  # fmt: skip


def searched(folder: Path, frame: pd.DataFrame, *more: str) -> Path:
    """Return the folder of a quick search on a frame."""
    frame.to_csv(folder / "training.csv", index=False)
    words = ("search", folder / "training.csv", "--window", "24", *QUICK, *more, "--output", folder / "run")
    assert main([*map(str, words)]) == 0
    return folder / "run"
