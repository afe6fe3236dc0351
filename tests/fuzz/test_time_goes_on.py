"""Time columns under fire: what is read goes on, and is written, or is refused in one sentence."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from downstream.data.loading import load_plain_series
from downstream.errors import DataError
from nas.cli.predicting.continuation import continued
from nas.cli.predicting.table import joined, write_table
from tests.fuzz.valid_files import TEXTS

FORMS = ("%Y-%m-%d", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%H:%M", "%Y-%m-%d %H:%M:%S+01:00", "%m/%d/%y", "%b %d %Y")
STEPS = ("h", "D", "B", "ME", "MS", "QE", "15min", "s", "W", "YE")
STARTS = ("2024-03-30", "2024-03-30", "1900-03-01", "2261-12-01", "9960-06-01")
AHEAD = (1, 7, 720)


def table(rng: random.Random, fuzz: SimpleNamespace) -> bytes:
    """Return a file of times of some form, now and then with a few things broken."""
    times = pd.date_range(rng.choice(STARTS), periods=30, freq=rng.choice(STEPS), unit="s")
    form = rng.choice(FORMS)
    rows = [f"{time.strftime(form)},{at % 7}" for at, time in enumerate(times) if rng.random() < 0.98]
    content = "\n".join(["date,a", *rows]).encode()
    return content if rng.random() < 0.5 else bytes(fuzz.bytes_of(rng, content, TEXTS["csv"]))


def test_time_columns(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    def use(content: bytes) -> None:
        file, output = Path("given/p.csv"), Path("given/out.csv")
        file.write_bytes(content)
        data = load_plain_series(file, kind="forecasting")
        n = AHEAD[len(content) % len(AHEAD)]
        parts = [
            (continued(one, n, source=data.source).stamps, pd.DataFrame({"y": np.zeros(n)})) for one in data.series
        ]
        write_table(output, joined(data, parts))
        assert len(pd.read_csv(output)) == n * len(data.series)

    hostile(fuzz.seeded("times", lambda rng: table(rng, fuzz)), use, share=0.06, allowed=(DataError,))
