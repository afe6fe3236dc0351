"""The bank: every trial that was ever run, in one SQLite file.

It holds results only - genotypes, validation curves, task embeddings - never the
data of a task. Any number of processes may read; one process writes.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ahc.bank_schema import BANK_SCHEMA, BankError, open_connection
from ahc.record import TrialRecord

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BANK_SCHEMA", "Bank", "BankError", "TaskEntry"]

_COLUMNS = tuple(field.name for field in fields(TrialRecord))
_JSON = ("genotype", "curve", "details")
_FILTERS = tuple(name for name in _COLUMNS if name not in _JSON)


@dataclass(frozen=True)
class TaskEntry:
    """What the bank knows of a task; `embedding_version` is empty where no embedding is stored."""

    task_hash: str
    name: str
    family: str
    kind: str
    spec: Mapping[str, Any]
    embedding_version: str


class Bank:
    """A store of trial records, opened from a path and closed as a context manager.

    Args:
        path: The SQLite file; created with its folder unless `read_only`.
        read_only: Open an existing bank without writing to its folder.

    Raises:
        BankError: If the file is no bank, is missing (read only) or is of a newer schema.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self._connection = open_connection(self.path, read_only=read_only)

    def __enter__(self) -> Bank:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) AS n FROM trials").fetchone()["n"])

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._connection.close()

    def add(self, record: TrialRecord) -> bool:
        """Store a record unless its key is there already; return whether it was stored."""
        return self.add_all((record,)) == 1

    def add_all(self, records: Iterable[TrialRecord]) -> int:
        """Store records in one transaction; return how many were new."""
        sql = f"INSERT OR IGNORE INTO trials ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
        with self._connection:
            return sum(self._connection.execute(sql, _to_row(record)).rowcount for record in records)

    def has(
        self,
        genotype_key: str,
        *,
        task_hash: str,
        protocol: str,
        iterations: int,
        rng_seed: int,
    ) -> bool:
        """Whether this trial was run already, with whatever outcome."""
        sql = (
            "SELECT 1 FROM trials WHERE genotype_key = ? AND task_hash = ? AND protocol = ? "
            "AND iterations = ? AND rng_seed = ?"
        )
        key = (genotype_key, task_hash, protocol, iterations, rng_seed)
        return self._connection.execute(sql, key).fetchone() is not None

    def records(self, **filters: str | int | float | bool) -> list[TrialRecord]:
        """Return the records whose fields equal all filters, in the order they were stored.

        Raises:
            ValueError: If a filter is no plain field of `TrialRecord`.
        """
        unknown = sorted(set(filters) - set(_FILTERS))
        if unknown:
            raise ValueError(f"Bank.records: filters must be among {sorted(_FILTERS)}, got {unknown}")
        where = " AND ".join(f"{name} = ?" for name in filters) or "1"
        sql = f"SELECT {', '.join(_COLUMNS)} FROM trials WHERE {where} ORDER BY rowid"
        return [_from_row(row) for row in self._connection.execute(sql, tuple(filters.values()))]

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
        row = (task_hash, name, family, kind, json.dumps(dict(spec or {}), sort_keys=True), blob, embedding_version)
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def tasks(self) -> list[TaskEntry]:
        """Return all tasks, sorted by name."""
        rows = self._connection.execute("SELECT * FROM tasks ORDER BY name, task_hash")
        return [
            TaskEntry(
                task_hash=row["task_hash"],
                name=row["name"],
                family=row["family"],
                kind=row["kind"],
                spec=json.loads(row["spec"]),
                embedding_version=row["embedding_version"] if row["embedding"] is not None else "",
            )
            for row in rows
        ]

    def task_embedding(self, task_hash: str) -> NDArray[np.float32] | None:
        """Return a task's stored embedding, (features,); None if the bank has none."""
        row = self._connection.execute("SELECT embedding FROM tasks WHERE task_hash = ?", (task_hash,)).fetchone()
        if row is None or row["embedding"] is None:
            return None
        return np.frombuffer(row["embedding"], dtype="<f4").astype(np.float32)

    def task_embeddings(self) -> dict[str, NDArray[np.float32]]:
        """Return all stored embeddings, task hash -> (features,)."""
        rows = self._connection.execute("SELECT task_hash, embedding FROM tasks WHERE embedding IS NOT NULL")
        return {row["task_hash"]: np.frombuffer(row["embedding"], dtype="<f4").astype(np.float32) for row in rows}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per trial; genotype, curve and details stay JSON text."""
        import pandas as pd

        rows = self._connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM trials ORDER BY rowid")
        frame = pd.DataFrame([tuple(row) for row in rows], columns=list(_COLUMNS))
        frame["higher_is_better"] = frame["higher_is_better"].astype(bool)
        return frame

    def export_csv(self, path: str | Path) -> int:
        """Write one line per trial, complete or not at all; return the number of trials."""
        target = Path(path)
        partial = target.with_name(target.name + ".partial")
        rows = self._connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM trials ORDER BY rowid").fetchall()
        with partial.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(_COLUMNS)
            writer.writerows(tuple(row) for row in rows)
        partial.replace(target)
        return len(rows)

    def save_copy(self, path: str | Path) -> None:
        """Write a compact copy in a single file, fit to be shipped and opened read only."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".partial")
        partial.unlink(missing_ok=True)
        self._connection.execute("VACUUM INTO ?", (str(partial),))
        connection = sqlite3.connect(partial)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        partial.replace(target)


def _to_row(record: TrialRecord) -> tuple[Any, ...]:
    values = {name: getattr(record, name) for name in _COLUMNS}
    for name in _JSON:
        values[name] = json.dumps(values[name], sort_keys=True, allow_nan=False, default=dict)
    values["higher_is_better"] = int(record.higher_is_better)
    return tuple(values.values())


def _from_row(row: sqlite3.Row) -> TrialRecord:
    values = {name: row[name] for name in _COLUMNS}
    for name in _JSON:
        values[name] = json.loads(values[name])
    values["curve"] = tuple((at, score, loss) for at, score, loss in values["curve"])
    values["higher_is_better"] = bool(values["higher_is_better"])
    return TrialRecord(**values)
