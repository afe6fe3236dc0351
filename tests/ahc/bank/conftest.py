"""Banks to break: a sound one of two tasks, and one of schema 1 made by the words that made it then."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from ahc.bank import Bank
from ahc.record import TrialRecord
from search_space.genotype import Genotype

# as the software wrote it before rows had digests; it must never change
SCHEMA_1 = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE trials (
    genotype_key TEXT NOT NULL, task_hash TEXT NOT NULL, protocol TEXT NOT NULL,
    iterations INTEGER NOT NULL, rng_seed INTEGER NOT NULL,
    task_name TEXT NOT NULL, family TEXT NOT NULL, kind TEXT NOT NULL,
    metric TEXT NOT NULL, higher_is_better INTEGER NOT NULL,
    status TEXT NOT NULL, origin TEXT NOT NULL,
    score REAL, best_iteration INTEGER, untrained_score REAL,
    seconds REAL NOT NULL, n_parameters INTEGER NOT NULL,
    created TEXT NOT NULL, code_version TEXT NOT NULL,
    genotype TEXT NOT NULL, curve TEXT NOT NULL, details TEXT NOT NULL,
    PRIMARY KEY (genotype_key, task_hash, protocol, iterations, rng_seed)
);
CREATE INDEX trials_of_task ON trials (task_hash);
CREATE TABLE tasks (
    task_hash TEXT PRIMARY KEY, name TEXT NOT NULL, family TEXT NOT NULL, kind TEXT NOT NULL,
    spec TEXT NOT NULL, embedding BLOB, embedding_version TEXT NOT NULL
);
"""
EMBEDDING = np.linspace(-1, 1, 7, dtype=np.float32)


@pytest.fixture(scope="session")
def records(make_record: Callable[..., TrialRecord], candidates: list[Genotype]) -> list[TrialRecord]:
    """Forty sound trials on two tasks, long enough for several pages and for rows that overflow theirs."""
    made = []
    for at, genotype in enumerate(candidates[:40]):
        score = 0.5 + at / 100
        made.append(
            make_record(
                genotype,
                task=f"t{at % 2}",
                protocol="classification-1",
                score=score if at % 9 else None,
                status="completed" if at % 9 else "diverged",
                curve=((0, 0.25, None), (300, score, 1.0)) if at % 9 else (),
                untrained_score=0.25 if at % 9 else None,
                best_iteration=300 if at % 9 else None,
                seconds=float(at),
                details={"note": "Zürich " * (700 if at % 10 == 3 else 2), "alpha": 0.1},
            )
        )
    return made


def add_tasks(bank: Bank) -> None:
    for number in range(2):
        bank.add_task(f"hash-t{number}", name=f"t{number}", family=f"family-t{number}", kind="classification",
                      embedding=EMBEDDING + number, embedding_version="1")  # fmt: skip


@pytest.fixture
def sound(tmp_path: Path, records: Sequence[TrialRecord]) -> Path:
    """Return the file of a bank that is closed and complete."""
    with Bank(tmp_path / "sound.sqlite") as bank:
        add_tasks(bank)
        bank.add_all(records)
    return tmp_path / "sound.sqlite"


@pytest.fixture
def version_1(tmp_path: Path, records: Sequence[TrialRecord]) -> Path:
    """Return the file of a bank of schema 1."""
    path = tmp_path / "version_1.sqlite"
    columns = [field.name for field in fields(TrialRecord)]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA_1)
        connection.execute("INSERT INTO facts VALUES ('schema', '1')")
        for record in records:
            values = {name: getattr(record, name) for name in columns}
            for name in ("genotype", "curve", "details"):
                values[name] = json.dumps(values[name], sort_keys=True)
            sql = f"INSERT INTO trials ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
            connection.execute(sql, tuple(values.values()))
        row = ("hash-t0", "t0", "family-t0", "classification", "{}", EMBEDDING.tobytes(), "1")
        connection.execute("INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return path
