"""Trials as a table for other programs: CSV, whose cells are data even for a spreadsheet, and Parquet."""

import csv
import sqlite3
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from ahc.bank.file import whole_file
from ahc.bank.rows import RECORD_COLUMNS
from ahc.bank.schema import KEY_ORDER, TRIAL_COLUMNS

# by key, so that a file depends on the trials alone and not on the order in which they finished
SELECT = f"SELECT {', '.join(RECORD_COLUMNS)} FROM trials ORDER BY {KEY_ORDER}"
_ROWS_AT_ONCE = 5_000
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", *(chr(0xFEE0 + ord(sign)) for sign in "=+-@"))  # and full-width


def plain_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe in front.

    So does text that begins with an apostrophe, which makes the way back unique: drop one leading apostrophe.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith((*_FORMULA_SIGNS, "'")) else value


def write_csv(rows: Iterable[sqlite3.Row], target: Path) -> int:
    """Write rows of `SELECT` as lines of a CSV file, complete or not at all; return how many."""
    n_rows = 0
    with (
        whole_file(target) as partial,
        partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream,
    ):
        writer = csv.writer(stream)
        writer.writerow(RECORD_COLUMNS)
        for row in rows:
            writer.writerow([plain_cell(cell) for cell in row])
            n_rows += 1
    return n_rows


def write_parquet(rows: Iterable[sqlite3.Row], target: Path) -> int:
    """Write rows of `SELECT` as a Parquet file, complete or not at all; return how many.

    Raises:
        ImportError: Where pyarrow is missing.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    named = {name: kinds[TRIAL_COLUMNS[name].kind] for name in RECORD_COLUMNS}
    schema = pa.schema(named | {"higher_is_better": pa.bool_()})
    n_rows, remaining = 0, iter(rows)
    with whole_file(target) as partial, parquet.ParquetWriter(partial, schema) as writer:
        while part := list(islice(remaining, _ROWS_AT_ONCE)):
            records = [{**dict(row), "higher_is_better": bool(row["higher_is_better"])} for row in part]
            writer.write_table(pa.Table.from_pylist(records, schema=schema))
            n_rows += len(records)
    return n_rows
