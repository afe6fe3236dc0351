"""Trials as a table for other programs: CSV, whose cells are data even for a spreadsheet, and Parquet."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from ahc.bank.errors import BankError, printable
from ahc.bank.file import whole_file
from ahc.bank.rows import RECORD_COLUMNS, UNREADABLE, reason
from ahc.bank.schema import KEY_ORDER, TRIAL_COLUMNS
from search_space.genes import Gene, gene_columns, genes_of
from search_space.genotype import Genotype

Cells = tuple[Any, ...]

# by key, so that a file depends on the trials alone and not on the order in which they finished
SELECT = f"SELECT {', '.join(RECORD_COLUMNS)} FROM trials ORDER BY {KEY_ORDER}"
_ROWS_AT_ONCE = 5_000
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", *(chr(0xFEE0 + ord(sign)) for sign in "=+-@"))  # and full-width


def plain_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe in front.

    So does text that begins with an apostrophe, which makes the way back unique: drop one leading apostrophe.
    """
    return f"'{value}" if isinstance(value, str) and value.startswith((*_FORMULA_SIGNS, "'")) else value


def columns(*, genes: bool) -> dict[str, type]:
    """Return the columns of a table of trials, name -> type of what stands there; those of genes are the last."""
    named = {name: TRIAL_COLUMNS[name].kind for name in RECORD_COLUMNS} | {"higher_is_better": bool}
    return named | gene_columns() if genes else named


def with_genes(rows: Iterable[Cells], *, path: Path) -> Iterator[Cells]:
    """Yield rows of `SELECT` with their genes behind.

    Raises:
        BankError: If a genotype cannot be read.
    """
    names = tuple(gene_columns())
    at, key = RECORD_COLUMNS.index("genotype"), RECORD_COLUMNS.index("genotype_key")
    for row in rows:
        try:
            genes = _genes(row[at])
        except UNREADABLE as error:
            what = f"the genotype of trial {printable(row[key])} cannot be read ({printable(reason(error))})"
            raise BankError(f"{path}: {what}; a table without genes does not need it") from error
        yield (*row, *(genes.get(name) for name in names))


@lru_cache(maxsize=4096)
def _genes(text: str) -> dict[str, Gene]:
    return genes_of(Genotype.from_dict(json.loads(text)))


def write_csv(rows: Iterable[Cells], target: Path, *, columns: Mapping[str, type]) -> int:
    """Write rows as lines of a CSV file, complete or not at all; return how many. Truth is 1 or 0."""
    n_rows = 0
    with (
        whole_file(target) as partial,
        partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream,
    ):
        writer = csv.writer(stream)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([int(cell) if isinstance(cell, bool) else plain_cell(cell) for cell in row])
            n_rows += 1
    return n_rows


def write_parquet(rows: Iterable[Cells], target: Path, *, columns: Mapping[str, type]) -> int:
    """Write rows as a Parquet file, complete or not at all; return how many.

    Raises:
        ImportError: Where pyarrow is missing.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema({name: kinds[kind] for name, kind in columns.items()})
    n_rows, remaining = 0, iter(rows)
    with whole_file(target) as partial, parquet.ParquetWriter(partial, schema) as writer:
        while part := list(islice(remaining, _ROWS_AT_ONCE)):
            cells = [
                pa.array([kind(cell) if kind is bool else cell for cell in column], kinds[kind])
                for column, kind in zip(zip(*part, strict=True), columns.values(), strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(cells, schema=schema))
            n_rows += len(part)
    return n_rows
