"""Drawn tables and arrays, and giants: structures that no change to a valid file comes upon."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from downstream.data import load_task
from downstream.errors import DataError
from tests.fuzz.valid_files import read_as_some, reading

CAMPAIGN = 20_000


def giants() -> dict[str, bytes]:
    """Files of about a megabyte that once took minutes: many columns, many series, many channels, one long case."""
    many = range(50_000)
    columns = [",".join(f"c{one}" for one in many), *[",".join("1" * len(many))] * 3]
    series = ["unique_id,ds,y", *(f"s{one // 3},2020-01-0{1 + one % 3},{one % 7}" for one in many)]
    channels = [":".join([*(str(row) * len(many)), label]) for row, label in ((1, "a"), (2, "a"), (3, "b"))]
    ragged = [",".join("1" * 300_000) + ":a", *["0:a", "1:b"] * 20_000]
    head = ["@classLabel true a b", "@data"]
    texts = {"wide.csv": columns, "long.csv": series, "channels.ts": head + channels, "ragged.ts": head + ragged}
    return {name: "\n".join(lines).encode() for name, lines in texts.items()}


@pytest.mark.slow
def test_giants(hostile: Callable[..., None], request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--fuzz-inputs") < CAMPAIGN:
        pytest.skip("a part of make fuzz")

    def use(name: str) -> None:
        (Path("given") / name).write_bytes(files[name])
        load_task(Path("given") / name, kind=None)

    files = giants()
    hostile(lambda check, n: [check(name) for name in files], use, share=0.0, allowed=(DataError,))


cells = st.one_of(
    st.sampled_from(("", "1", "0", "-1.5", "nan", "inf", "1e400", "2020-01-01", "train", "test", "=1+1", "\u0661")),
    st.floats(allow_nan=True).map(str),
    st.integers().map(str),
    st.text(max_size=6),
)
names = st.one_of(
    st.sampled_from(("date", "ds", "unique_id", "y", "label", "split", "a", "", "=A1")), st.text(max_size=5)
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Draw CSV text with columns of numbers, some odd cells, and quotes where the writer deems them needed."""
    columns = draw(st.lists(names, min_size=1, max_size=5))
    n_rows = draw(st.sampled_from((0, 1, 5, 40)))
    rng = draw(st.randoms(use_true_random=False))
    rows = [[str(round(rng.random(), 3)) for _ in columns] for _ in range(n_rows)]
    for cell in draw(st.lists(cells, max_size=4 if n_rows else 0)):
        rows[rng.randrange(n_rows)][rng.randrange(len(columns))] = cell
    buffer = io.StringIO()
    pd.DataFrame(rows, columns=columns).to_csv(
        buffer, index=False, lineterminator=draw(st.sampled_from(("\n", "\r\n", "\r")))
    )
    return buffer.getvalue().encode("utf-8", "surrogatepass")


def test_drawn_tables(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    hostile(fuzz.drawn(tables()), reading("p.csv"), share=0.03, allowed=(DataError,))


def test_drawn_arrays(hostile: Callable[..., None], fuzz: SimpleNamespace) -> None:
    dtypes = st.one_of(hnp.scalar_dtypes(), hnp.array_dtypes())
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)
    one = dtypes.flatmap(lambda dtype: hnp.arrays(dtype, shapes, fill=st.nothing() if dtype.itemsize == 0 else None))
    keys = st.sampled_from(("X", "y", "X_test", "y_test", "values", "labels", "other"))

    def use(content: dict[str, np.ndarray]) -> None:
        np.savez("given/p.npz", **content)
        read_as_some(Path("given/p.npz"), number=sum(array.size for array in content.values()))

    hostile(fuzz.drawn(st.dictionaries(keys, one, max_size=4)), use, share=0.02, allowed=(DataError,))
