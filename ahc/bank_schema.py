"""What a bank looks like on disk: tables, schema number, and how a file is opened as one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

BANK_SCHEMA = 1

# The key is the trial's identity; everything that is not asked for in SQL stays JSON.
TABLES = """
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


class BankError(ValueError):
    """A file that cannot be used as a bank."""


def open_connection(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open a bank file, creating its tables where the file is new.

    Raises:
        BankError: If the file is missing (read only), is no bank, or has a newer schema.
    """
    if read_only and not path.is_file():
        raise BankError(f"{path}: there is no such bank")
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    # An installed bank may lie in a folder that nobody can write to: without a pending
    # write-ahead log the file is complete, and `immutable` spares SQLite its lock files.
    log = path.with_name(path.name + "-wal")
    pending = log.exists() and log.stat().st_size > 0
    mode = ("mode=ro" if pending else "mode=ro&immutable=1") if read_only else "mode=rwc"
    connection = None
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, timeout=60.0)
        connection.row_factory = sqlite3.Row
        _prepare(connection, path=path, read_only=read_only)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise BankError(f"{path}: not a trial bank ({error})") from error
    except BankError:
        if connection is not None:
            connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, *, path: Path, read_only: bool) -> None:
    names = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not names and not read_only:
        _use_write_ahead_log(connection)
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have created the tables while we waited for the lock.
            if connection.execute("SELECT count(*) AS n FROM sqlite_master").fetchone()["n"] == 0:
                for statement in TABLES.split(";"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute("INSERT INTO facts VALUES ('schema', ?)", (str(BANK_SCHEMA),))
        return
    if not {"facts", "trials", "tasks"} <= names:
        raise BankError(f"{path}: not a trial bank (a bank has the tables facts, tasks and trials)")
    row = connection.execute("SELECT value FROM facts WHERE name = 'schema'").fetchone()
    schema = int(row["value"]) if row is not None and row["value"].isdigit() else -1
    if schema != BANK_SCHEMA:
        what = "was written by a newer version of this software" if schema > BANK_SCHEMA else "is damaged"
        raise BankError(f"{path}: the bank's schema must be {BANK_SCHEMA}, got {schema}: the file {what}")
    if not read_only:
        _use_write_ahead_log(connection)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # Some network file systems cannot share the log's memory map; the old journal always works.
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = NORMAL")
