"""Whether a bank is sound: the file, its tables, every row, and what rows say together."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from ahc.bank.errors import SQLITE_ERRORS, BankError, printable
from ahc.bank.file import open_connection
from ahc.bank.impossible import problems_of
from ahc.bank.rows import REALS, UNREADABLE, TaskRow, digest_of, from_row, reason
from ahc.bank.schema import KEY_COLUMNS, KEY_ORDER, TRIAL_COLUMNS, read_schema
from ahc.record import TrialRecord

_MOST_OF_THE_FILE = 100
_WAY_OUT = "`tscnas bank recover {} --output NEW` saves what can still be read"


def find_problems(path: Path) -> Iterator[str]:
    """Yield every problem of a bank as one line; none for a sound one.

    Checked are the file's pages and indexes, the tables, and of each trial: that it is what was written (`digest`),
    that it can be read, that its genotype has its key, that no value is impossible; then that no key is there twice,
    and that the trials of a task agree on what the task is.

    Args:
        path: The bank; opened read only, so it stays as it is.

    Raises:
        BankError: If the file cannot be opened as a bank at all.
    """
    with closing(open_connection(path, read_only=True)) as connection:
        schema = read_schema(connection, path=path)
        try:
            broken = False
            for line in _of_pages(connection):
                broken = True
                yield f"file: {line}; {_WAY_OUT.format(path)}"
            yield from _of_tasks(connection)
            yield from _of_trials(connection, columns=TRIAL_COLUMNS[: 23 if schema > 1 else 22])
            yield from _doubled(connection)
        except SQLITE_ERRORS as error:
            if not broken:
                yield f"file: {printable(error)}; {_WAY_OUT.format(path)}"
        except BankError as error:
            yield str(error)


def _of_pages(connection: sqlite3.Connection) -> Iterator[str]:
    for row in connection.execute(f"PRAGMA integrity_check({_MOST_OF_THE_FILE})"):
        if row[0] != "ok":
            yield from (printable(line) for line in str(row[0]).splitlines() if not line.startswith("***"))


def _of_tasks(connection: sqlite3.Connection) -> Iterator[str]:
    lengths: dict[str, Counter[int]] = defaultdict(Counter)
    tasks = [TaskRow(*row) for row in connection.execute(f"SELECT {', '.join(TaskRow._fields)} FROM tasks")]
    for task in tasks:
        if problem := task.problem():
            yield f"task {printable(task.task_hash)}: {printable(problem)}"
        elif task.embedding is not None:
            lengths[task.embedding_version][len(task.embedding) // 4] += 1
    for version, counts in lengths.items():
        if len(counts) > 1:
            shown = ", ".join(f"{count} of length {length}" for length, count in counts.most_common())
            yield f"tasks: embeddings of version {printable(version) or 'unknown'} must be of one length, got {shown}"


def _of_trials(connection: sqlite3.Connection, *, columns: tuple[str, ...]) -> Iterator[str]:
    facts: dict[str, dict[tuple[Any, ...], str]] = defaultdict(dict)
    for row in connection.execute(f"SELECT rowid, {', '.join(columns)} FROM trials NOT INDEXED ORDER BY rowid"):
        cells = dict(row)
        name = "trial " + " ".join(printable(cells[key]) for key in KEY_COLUMNS)
        if cells.get("digest") and cells["digest"] != digest_of(tuple(row)[1:-1]):
            yield f"{name}: was changed after it was written"
        try:
            record = from_row(cells)
        except UNREADABLE as error:
            yield f"{name}: {printable(reason(error))}"
            continue
        for column in REALS:
            if cells[column] is not None and not math.isfinite(cells[column]):
                yield f"{name}: {column} must be finite, got {cells[column]}"
        yield from (f"{name}: {printable(problem)}" for problem in problems_of(record))
        facts[record.task_hash].setdefault(_facts_of_task(record), name)
    for task_hash, different in facts.items():
        first, *others = different
        for other in others:
            yield (
                f"{different[other]}: calls task {printable(task_hash)} {printable(other)}, "
                f"others call it {printable(first)}"
            )


def _facts_of_task(record: TrialRecord) -> tuple[Any, ...]:
    return (record.family, record.kind, record.metric, "max" if record.higher_is_better else "min")


def _doubled(connection: sqlite3.Connection) -> Iterator[str]:
    sql = f"SELECT {KEY_ORDER}, count(*) AS n FROM trials NOT INDEXED GROUP BY {KEY_ORDER} HAVING n > 1"
    for row in connection.execute(sql):
        yield f"trial {' '.join(printable(row[key]) for key in KEY_COLUMNS)}: is there {row['n']} times"
