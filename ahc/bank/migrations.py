"""How banks of older schemas become current: one step per version, all in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from ahc.bank.rows import digest_of
from ahc.bank.schema import BANK_SCHEMA, DIGEST_COLUMN, TRIAL_COLUMNS, read_schema

Step = Callable[[sqlite3.Connection], None]


def migrate(
    connection: sqlite3.Connection, *, path: Path, steps: Mapping[int, Step] | None = None, goal: int = BANK_SCHEMA
) -> None:
    """Bring the tables to the current schema; an interruption leaves the file as it was.

    Args:
        connection: Open for writing, outside any transaction.
        path: Of the bank, for messages.
        steps: What leads from each version to the next; by default those of this software.
        goal: The version to reach.

    Raises:
        BankError: If the file is no bank, or of a newer schema.
    """
    if read_schema(connection, path=path) == goal:
        return
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        # another process may have done it while we waited for the lock
        for version in range(read_schema(connection, path=path), goal):
            (STEPS if steps is None else steps)[version](connection)
            connection.execute("UPDATE facts SET value = ? WHERE name = 'schema'", (str(version + 1),))


def _rows_get_digests(connection: sqlite3.Connection) -> None:
    """Lead from 1 to 2: every row says by a digest whether it is still what was written."""
    connection.execute(f"ALTER TABLE trials ADD COLUMN {DIGEST_COLUMN}")
    columns = ", ".join(TRIAL_COLUMNS[:-1])
    last = 0
    while rows := connection.execute(
        f"SELECT rowid, {columns} FROM trials WHERE rowid > ? ORDER BY rowid LIMIT 1000", (last,)
    ).fetchall():
        digests = [(digest_of(tuple(row)[1:]), row["rowid"]) for row in rows]
        connection.executemany("UPDATE trials SET digest = ? WHERE rowid = ?", digests)
        last = rows[-1]["rowid"]


STEPS: Mapping[int, Step] = {1: _rows_get_digests}
