"""The table that `tscnas predict`, `forecast` and `detect` write: rows under the names of the data itself."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ahc.bank.export import plain_cell
from ahc.bank.file import whole_file
from downstream.data.raw import SeriesSet
from downstream.errors import DataError


def unused(name: str, taken: Collection[str]) -> str:
    """Return a name that is not taken, with underscores behind it as far as needed."""
    while name in taken:
        name += "_"
    return name


def joined(data: SeriesSet, parts: Sequence[tuple[pd.Series, pd.DataFrame]]) -> pd.DataFrame:
    """Return what is said of each series as one table, in the form that the data came in.

    Where the data has ids or several series, their names stand in the first column; time stamps follow, then the rest.

    Args:
        data: The data.
        parts: Of each series its time stamps, and columns of as many rows.
    """
    stamps = [part[0].reset_index(drop=True) for part in parts]
    if len({stamp.dtype for stamp in stamps}) > 1:  # of files that differ
        stamps = [stamp.astype(str) for stamp in stamps]
    table = pd.concat([columns for _, columns in parts], ignore_index=True)
    time = unused(data.time or "step", table.columns)
    table.insert(0, time, pd.concat(stamps, ignore_index=True))
    if data.ids is not None or data.has_ids or len(data.series) > 1:
        insert_names(table, data, n_rows=[len(stamp) for stamp in stamps], word="series")
    return table


def insert_names(table: pd.DataFrame, data: SeriesSet, *, n_rows: Sequence[int], word: str) -> None:
    """Put the names of the series before the other columns, under what the data calls them, or else a word.

    Args:
        table: Rows of the first series, then of the second, and so on.
        data: The data.
        n_rows: How many rows each series has.
        word: What the column is called where the data has no word for it.
    """
    # the name of a file need not be text
    names = [series.name.encode("utf-8", "backslashreplace").decode() for series in data.series]
    rows = [name for name, n in zip(names, n_rows, strict=True) for _ in range(n)]
    table.insert(0, unused(data.ids or word, table.columns), pd.Series(rows, dtype=object))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as .csv or .parquet, complete or not at all; in CSV no text is a formula.

    Raises:
        DataError: If the format needs a library that is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        _check_pyarrow()
    with whole_file(path) as partial:
        if path.suffix == ".parquet":
            table.to_parquet(partial, engine="pyarrow", index=False)
            return
        table.apply(_plain_column).rename(columns=plain_cell).to_csv(
            partial, index=False, encoding="utf-8", errors="backslashreplace"
        )


def _plain_column(column: pd.Series) -> pd.Series:
    is_text = pd.api.types.infer_dtype(column) in ("string", "mixed", "mixed-integer")
    return column.map(_plain) if is_text else column


def _plain(cell: Any) -> Any:
    return plain_cell(cell)


def _check_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise DataError('writing .parquet needs pyarrow: pip install "ts-contrastive-nas[parquet]"') from error
