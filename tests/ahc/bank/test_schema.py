"""A bank of schema 1 becomes current with everything in it, at once or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ahc.bank import BANK_SCHEMA, Bank
from ahc.bank.file import open_connection
from ahc.bank.rows import RECORD_COLUMNS, TaskEntry
from ahc.bank.schema import CELLS, STEPS, TABLES, TASK_COLUMNS, TRIAL_COLUMNS, create_tables, migrate, read_schema
from ahc.bank.verify import find_problems
from ahc.record import TrialRecord


def _dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_every_version_below_this_one_has_a_step() -> None:
    assert sorted(STEPS) == list(range(1, BANK_SCHEMA))
    assert sorted(TABLES) == list(range(1, BANK_SCHEMA + 1))


def test_version_1_is_read_as_it_is(version_1: Path, records: Sequence[TrialRecord]) -> None:
    before = version_1.read_bytes()
    with Bank(version_1, read_only=True) as bank:
        assert bank.records() == list(records)
        assert list(bank.task_embeddings()) == ["hash-t0"]
    assert list(find_problems(version_1)) == []
    assert version_1.read_bytes() == before


def test_version_1_becomes_current_when_it_is_opened_to_write(version_1: Path, records: Sequence[TrialRecord]) -> None:
    with Bank(version_1) as bank:
        assert bank.records() == list(records)
        assert bank.tasks()[0].name == "t0"
        assert not bank.add(records[0])
    with closing(sqlite3.connect(version_1)) as connection:
        assert connection.execute("SELECT value FROM facts WHERE name = 'schema'").fetchone() == (str(BANK_SCHEMA),)
        assert connection.execute("SELECT count(*) FROM trials WHERE length(digest) = 16").fetchone() == (len(records),)
    assert list(find_problems(version_1)) == []


def test_a_migrated_bank_holds_what_a_new_one_would(
    version_1: Path, tmp_path: Path, records: Sequence[TrialRecord]
) -> None:
    with Bank(version_1):
        pass
    with Bank(tmp_path / "new") as bank:
        bank.add_all(records)
        bank.add_entry(Bank(version_1, read_only=True).tasks()[0])
    squeezed = [["".join(line.split()) for line in _dump(path)] for path in (version_1, tmp_path / "new")]
    assert sorted(squeezed[0]) == sorted(squeezed[1])


def test_an_interrupted_migration_leaves_version_1(
    version_1: Path, records: Sequence[TrialRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = STEPS[1]

    def interrupted(connection: sqlite3.Connection) -> None:
        step(connection)
        raise KeyboardInterrupt

    before = _dump(version_1)
    with closing(sqlite3.connect(version_1)) as connection:
        connection.row_factory = sqlite3.Row
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setitem(STEPS, 1, interrupted)
            migrate(connection, path=version_1)
    assert _dump(version_1) == before
    with Bank(version_1) as bank:
        assert bank.records() == list(records)


def test_steps_follow_one_another(version_1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    step = STEPS[1]
    with closing(sqlite3.connect(version_1)) as connection:
        connection.row_factory = sqlite3.Row

        def first(connection: sqlite3.Connection) -> None:
            done.append(1)
            step(connection)

        monkeypatch.setitem(STEPS, 1, first)
        migrate(connection, path=version_1)
        migrate(connection, path=version_1)
        assert done == [1]
        assert read_schema(connection, path=version_1) == BANK_SCHEMA


@pytest.mark.parametrize("schema", sorted(TABLES))
def test_columns_are_named_as_they_lie_on_disk(schema: int, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "b")) as connection, connection:
        create_tables(connection, schema=schema)
        names = tuple(row[1] for row in connection.execute("PRAGMA table_info(trials)"))
        assert names == (CELLS if schema < 2 else tuple(TRIAL_COLUMNS))
        assert set(CELLS) == set(RECORD_COLUMNS)
        names = tuple(row[1] for row in connection.execute("PRAGMA table_info(tasks)"))
        assert names == tuple(TASK_COLUMNS) == TaskEntry._fields
    open_connection(tmp_path / "b", read_only=True).close()
