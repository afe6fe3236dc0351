"""`Bank`: the store of trial records. Any number of processes may read; one process writes."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ahc.bank import export
from ahc.bank.errors import BankError, damaged, in_sentences, printable
from ahc.bank.file import ROLLBACK_JOURNAL, WRITE_AHEAD_LOG, beside, open_connection, whole_file
from ahc.bank.packed import is_packed, pack
from ahc.bank.rows import PLAIN_COLUMNS, RECORD_COLUMNS, TaskEntry, from_row, storable, to_row
from ahc.bank.schema import KEY_COLUMNS, KEY_ORDER, TRIAL_COLUMNS
from ahc.record import TrialRecord
from compute.paths import user_path

if TYPE_CHECKING:
    import pandas as pd

_FEWEST_BYTES = 16  # of a trial or a task in a file


class Tally(NamedTuple):
    """How many trials of a task ended with a status, under one protocol and with one training length, in how long."""

    task_hash: str
    task_name: str
    family: str
    kind: str
    protocol: str
    iterations: int
    status: str
    n_trials: int
    seconds: float


class Bank:
    """A store of trial records, opened from a path and closed as a context manager.

    Args:
        path: The SQLite file; created with its folder unless `read_only`. A packed one (`.xz`) is read only.
        read_only: Open an existing bank without writing to its folder.
        lasting: Whether what is stored has to outlast a stop of the machine; without it, storing is faster.

    Raises:
        BankError: If the file is no bank, is missing (read only), damaged, or of a newer schema; every method
            raises it too, where what it reads turns out to be damaged or the disk does not take what it writes.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False, lasting: bool = True) -> None:
        self.path = user_path(path)
        self._connection = open_connection(self.path, read_only=read_only, lasting=lasting)

    def __enter__(self) -> Bank:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        with in_sentences(self.path):
            return int(self._connection.execute("SELECT count(*) AS n FROM trials").fetchone()["n"])

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._connection.close()

    def add(self, record: TrialRecord) -> bool:
        """Store a record unless its key is there already; return whether it was stored."""
        return self.add_all((record,)) == 1

    def add_all(self, records: Iterable[TrialRecord]) -> int:
        """Store records in one transaction; return how many were new."""
        sql = f"INSERT OR IGNORE INTO trials VALUES ({', '.join('?' * len(TRIAL_COLUMNS))})"
        with in_sentences(self.path), self._connection:
            return sum(self._connection.execute(sql, to_row(record)).rowcount for record in records)

    def has(self, genotype_key: str, *, task_hash: str, protocol: str, iterations: int, rng_seed: int) -> bool:
        """Whether this trial was run already, with whatever outcome."""
        sql = f"SELECT 1 FROM trials WHERE {' AND '.join(f'{name} = ?' for name in KEY_COLUMNS)}"
        with in_sentences(self.path):
            key = (genotype_key, task_hash, protocol, iterations, rng_seed)
            return self._connection.execute(sql, key).fetchone() is not None

    def records(self, **filters: str | int | float | bool) -> list[TrialRecord]:
        """Return the records whose fields equal all filters, in the order they were stored.

        Raises:
            ValueError: If a filter is no plain field of `TrialRecord`.
        """
        unknown = sorted(set(filters) - set(PLAIN_COLUMNS))
        if unknown:
            raise ValueError(f"Bank.records: filters must be among {sorted(PLAIN_COLUMNS)}, got {unknown}")
        where = " AND ".join(f"{name} = ?" for name in filters) or "1"
        return list(self._records(f"WHERE {where} ORDER BY rowid", tuple(filters.values())))

    def records_by_key(self) -> Iterator[TrialRecord]:
        """Yield all records in the order of their keys, one at a time: however long the bank, the memory is small."""
        return self._records(f"ORDER BY {KEY_ORDER}")

    def records_of(self, prefix: str) -> list[TrialRecord]:
        """Return the records whose genotype key begins so, in the order they were stored."""
        last = prefix + chr(0x10FFFF)
        return list(self._records("WHERE genotype_key >= ? AND genotype_key < ? ORDER BY rowid", (prefix, last)))

    def tallies(self) -> list[Tally]:
        """Return how many trials ended how, sorted by task, protocol and training length."""
        columns = "task_hash, task_name, family, kind, protocol, iterations, status"
        rows = self._select(
            f"SELECT {columns}, count(*) AS n_trials, total(seconds) AS seconds FROM trials GROUP BY {columns} "
            "ORDER BY kind, family, task_name, task_hash, protocol, iterations, status"
        )
        tallies = [Tally(*row) for row in rows]
        for tally in tallies:
            if [type(cell) for cell in tally] != [*[str] * 5, int, str, int, float]:
                raise damaged(self.path, f"a trial on task {printable(tally.task_hash)} has cells of a wrong type")
        return tallies

    def add_task(
        self,
        task_hash: str,
        *,
        name: str,
        family: str,
        kind: str,
        spec: Mapping[str, Any] | None = None,
        embedding: NDArray[np.float32] | None = None,
        embedding_version: str = "",
    ) -> None:
        """Store or renew what is known of a task.

        Args:
            task_hash: `Task.hash`.
            name: Name for readers.
            family: Source of the data.
            kind: forecasting, classification or anomaly.
            spec: Facts of the task as JSON values.
            embedding: Task embedding, (features,).
            embedding_version: Version of the embedding's definition.
        """
        blob = None if embedding is None else np.asarray(embedding, dtype="<f4").tobytes()
        facts = json.dumps(dict(spec or {}), sort_keys=True)
        self.add_entry(TaskEntry(task_hash, name, family, kind, facts, blob, embedding_version))

    def add_entry(self, entry: TaskEntry) -> None:
        """Store or renew what is known of a task."""
        with in_sentences(self.path), self._connection:
            cells = tuple(map(storable, entry))
            self._connection.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?)", cells)

    def tasks(self) -> list[TaskEntry]:
        """Return what is known of all tasks, sorted by name."""
        entries = [TaskEntry(*row) for row in self._select("SELECT * FROM tasks ORDER BY name, task_hash")]
        for entry in entries:
            if problem := entry.problem():
                raise damaged(self.path, f"task {printable(entry.task_hash)}: {printable(problem)}")
        return entries

    def task_embeddings(self) -> dict[str, NDArray[np.float32]]:
        """Return all stored embeddings, task hash -> (features,)."""
        return {
            entry.task_hash: np.frombuffer(entry.embedding, dtype="<f4").astype(np.float32)
            for entry in self.tasks()
            if entry.embedding is not None
        }

    def to_frame(self, *, genes: bool = False) -> pd.DataFrame:
        """Return one row per trial, in the order of their keys; genotype, curve and details stay JSON text.

        Args:
            genes: Add a column per gene.
        """
        import pandas as pd

        columns = export.columns(genes=genes)
        frame = pd.DataFrame(self._table(genes=genes), columns=list(columns))
        return frame.astype({name: kind for name, kind in columns.items() if kind in (bool, float)})

    def export_csv(self, path: str | Path, *, genes: bool = False) -> int:
        """Write one line per trial, in the order of their keys, complete or not at all; return how many.

        Args:
            path: The file.
            genes: Add a column per gene.
        """
        return export.write_csv(self._table(genes=genes), user_path(path), columns=export.columns(genes=genes))

    def export_parquet(self, path: str | Path, *, genes: bool = False) -> int:
        """Write one row per trial, in the order of their keys, complete or not at all; return how many.

        Args:
            path: The file.
            genes: Add a column per gene.

        Raises:
            ImportError: Where pyarrow is missing.
        """
        return export.write_parquet(self._table(genes=genes), user_path(path), columns=export.columns(genes=genes))

    def save_copy(self, path: str | Path) -> None:
        """Write a compact copy in a single file, fit to ship and opened read only; packed where it ends in `.xz`."""
        target = user_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target) as partial, in_sentences(self.path):
            self._connection.execute("VACUUM INTO ?", (str(partial),))
            with closing(sqlite3.connect(partial)) as connection:
                connection.execute("PRAGMA journal_mode = DELETE")
            if is_packed(target):
                with whole_file(partial) as packed:
                    pack(partial, packed)

    def _table(self, *, genes: bool) -> Iterator[export.Cells]:
        """Return the rows of `export.columns`."""
        rows = map(tuple, self._select(export.SELECT))
        return export.with_genes(rows, path=self.path) if genes else rows

    def _select(self, sql: str, values: tuple[Any, ...] = ()) -> Iterator[sqlite3.Row]:
        """Yield the rows of a query; a damaged file may lead in circles, so their number has a bound."""
        with in_sentences(self.path):
            size = self._connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            most = size.fetchone()[0] // _FEWEST_BYTES
            for number, row in enumerate(self._connection.execute(sql, values)):
                if number > most:
                    raise damaged(self.path, "its pages lead in circles")
                yield row

    def _records(self, rest: str, values: tuple[Any, ...] = ()) -> Iterator[TrialRecord]:
        for row in self._select(f"SELECT {', '.join(RECORD_COLUMNS)} FROM trials {rest}", values):
            try:
                yield from_row(dict(row))
            except ValueError as error:
                what = f"trial {printable(row['genotype_key'])}: {printable(error)}"
                raise damaged(self.path, what) from error


@contextmanager
def new_bank(path: Path, *, overwrite: bool = False) -> Iterator[Bank]:
    """Give a bank to fill, which takes its name when the block ends without an error: it is there whole or not at all.

    Args:
        path: What the bank will be called.
        overwrite: Replace a bank of that name.

    Raises:
        BankError: If the name is taken, or a log of another bank lies beside it.
    """
    check_free(path, overwrite=overwrite)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with Bank(partial, lasting=False) as bank:
            yield bank
            bank.save_copy(path)
    finally:
        for ending in ("", WRITE_AHEAD_LOG, ROLLBACK_JOURNAL, "-shm"):
            beside(partial, ending).unlink(missing_ok=True)


def check_free(path: Path, *, overwrite: bool = False) -> None:
    """Check that a new bank may take a name.

    Raises:
        BankError: If it may not.
    """
    if path.exists() and not overwrite:
        raise BankError(f"{path} exists and is left alone; choose another --output")
    for log in (beside(path, WRITE_AHEAD_LOG), beside(path, ROLLBACK_JOURNAL)):
        if log.exists():  # SQLite would play it into the new bank
            raise BankError(f"{path}: {log.name} lies there, the log of a bank in use; choose another --output")
