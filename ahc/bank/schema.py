"""What a bank looks like on disk: its tables and their versions, how older ones become current, and nothing else."""

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ahc.bank.errors import BankError, damaged, printable

BANK_SCHEMA = 2

# The key is the trial's identity; everything that is not asked for in SQL stays JSON. `digest` shows whether
# a row is what was written; it is empty where a version 1 wrote the row. Where it stands, and its very words,
# are those that `ALTER TABLE` leaves behind.
_FACTS = "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
_TRIALS = """CREATE TABLE trials (
    genotype_key TEXT NOT NULL, task_hash TEXT NOT NULL, protocol TEXT NOT NULL,
    iterations INTEGER NOT NULL, rng_seed INTEGER NOT NULL,
    task_name TEXT NOT NULL, family TEXT NOT NULL, kind TEXT NOT NULL,
    metric TEXT NOT NULL, higher_is_better INTEGER NOT NULL,
    status TEXT NOT NULL, origin TEXT NOT NULL,
    score REAL, best_iteration INTEGER, untrained_score REAL,
    seconds REAL NOT NULL, n_parameters INTEGER NOT NULL,
    created TEXT NOT NULL, code_version TEXT NOT NULL,
    genotype TEXT NOT NULL, curve TEXT NOT NULL, details TEXT NOT NULL{digest},
    PRIMARY KEY (genotype_key, task_hash, protocol, iterations, rng_seed)
)"""
_TRIALS_OF_TASK = "CREATE INDEX trials_of_task ON trials (task_hash)"
_TASKS = """CREATE TABLE tasks (
    task_hash TEXT PRIMARY KEY, name TEXT NOT NULL, family TEXT NOT NULL, kind TEXT NOT NULL,
    spec TEXT NOT NULL, embedding BLOB, embedding_version TEXT NOT NULL
)"""
_DIGEST = "digest TEXT NOT NULL DEFAULT ''"

TABLES = {
    1: (_FACTS, _TRIALS.replace("{digest}", ""), _TRIALS_OF_TASK, _TASKS),
    2: (_FACTS, _TRIALS.replace("{digest}", f", {_DIGEST}"), _TRIALS_OF_TASK, _TASKS),
}


class Column(NamedTuple):
    """The type of what a column holds, and whether it may hold nothing."""

    kind: type
    optional: bool


def _columns(statement: str) -> dict[str, Column]:
    kinds = {"TEXT": str, "INTEGER": int, "REAL": float, "BLOB": bytes}
    words = re.findall(rf"(\w+) ({'|'.join(kinds)})( NOT NULL| PRIMARY KEY)?", statement)
    return {name: Column(kinds[kind], optional=not rule) for name, kind, rule in words}


# in the order on disk
TRIAL_COLUMNS = _columns(TABLES[BANK_SCHEMA][1])
TASK_COLUMNS = _columns(_TASKS)
CELLS = tuple(TRIAL_COLUMNS)[:-1]
"""The columns of a trial that its digest covers."""
KEY_COLUMNS = CELLS[:5]
KEY_ORDER = ", ".join(KEY_COLUMNS)


def digest_of(cells: Sequence[Any]) -> str:
    """Return 16 hex digits of the SHA-256 of a trial's cells, in the order of `CELLS`."""
    text = json.dumps([cell.hex() if isinstance(cell, bytes) else cell for cell in cells], separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def create_tables(connection: sqlite3.Connection, *, schema: int = BANK_SCHEMA) -> None:
    """Make the tables of a new bank, within the caller's transaction."""
    for statement in TABLES[schema]:
        connection.execute(statement)
    connection.execute("INSERT INTO facts VALUES ('schema', ?)", (str(schema),))


def read_schema(connection: sqlite3.Connection, *, path: Path) -> int:
    """Return the version of a bank's tables after checking that the file holds those tables and nothing else.

    A view or a trigger of a foreign file would run when the file is used; no bank has one.

    Raises:
        BankError: If the file is no bank, is damaged, or is of a newer schema.
    """
    objects = {
        (row["type"], row["name"]): row["sql"]
        for row in connection.execute("SELECT type, name, sql FROM sqlite_master")
        # SQLite itself makes the index of a primary key, and tables of statistics
        if not row["name"].startswith({"index": "sqlite_autoindex_", "table": "sqlite_stat"}.get(row["type"], "?"))
    }
    if not {("table", "facts"), ("table", "trials"), ("table", "tasks")} <= objects.keys():
        raise BankError(f"{path}: not a trial bank (a bank has the tables facts, tasks and trials)")
    known = {_named(statement) for statement in TABLES[BANK_SCHEMA]}
    foreign = sorted(f"{kind} {printable(name)}" for kind, name in objects.keys() - known)
    if foreign:
        raise BankError(f"{path}: not a trial bank (it holds the {foreign[0]}, which no bank has)")
    if _words(objects["table", "facts"]) != _words(_FACTS):
        raise BankError(f"{path}: not a trial bank (its table facts is not that of a bank)")
    row = connection.execute("SELECT value FROM facts WHERE name = 'schema'").fetchone()
    text = "" if row is None else str(row["value"])
    schema = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    if schema > BANK_SCHEMA:
        raise BankError(
            f"{path}: the bank's schema must be 1 to {BANK_SCHEMA}, got {schema}: "
            "the file was written by a newer version of this software"
        )
    if schema not in TABLES:
        raise damaged(path, f"its schema must be 1 to {BANK_SCHEMA}, got {schema}")
    for statement in TABLES[schema]:
        kind, name = _named(statement)
        if _words(objects.get((kind, name))) != _words(statement):
            raise BankError(f"{path}: not a trial bank (its {kind} {name} is not that of a bank of schema {schema})")
    return schema


def migrate(connection: sqlite3.Connection, *, path: Path) -> None:
    """Bring the tables to the current schema; an interruption leaves the file as it was.

    Args:
        connection: It is open for writing, outside any transaction.
        path: The bank, for messages.

    Raises:
        BankError: If the file is no bank, or of a newer schema.
    """
    if read_schema(connection, path=path) == BANK_SCHEMA:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        # another process may have done it while we waited for the lock
        for version in range(read_schema(connection, path=path), BANK_SCHEMA):
            STEPS[version](connection)
            connection.execute("UPDATE facts SET value = ? WHERE name = 'schema'", (str(version + 1),))


def _rows_get_digests(connection: sqlite3.Connection) -> None:
    """Lead from 1 to 2: every row says by a digest whether it is still what was written."""
    connection.create_function("digest_of", len(CELLS), lambda *cells: digest_of(cells), deterministic=True)
    connection.execute(f"ALTER TABLE trials ADD COLUMN {_DIGEST}")
    connection.execute(f"UPDATE trials SET digest = digest_of({', '.join(CELLS)})")


STEPS: dict[int, Callable[[sqlite3.Connection], None]] = {1: _rows_get_digests}
"""What leads from each version to the next."""


def _named(statement: str) -> tuple[str, str]:
    _, kind, name = statement.split(None, 3)[:3]
    return kind.lower(), name


def _words(statement: str | None) -> str:
    return "".join((statement or "").split())
