"""Banks under fire: whatever the file holds, reading, checking, merging and recovering end well or in a sentence."""

from __future__ import annotations

import lzma
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ahc.bank import Bank, BankError
from ahc.bank.merge import merge_banks
from ahc.bank.recover import recover_bank
from ahc.bank.verify import find_problems
from ahc.record import TrialRecord
from search_space.drawing import sample_candidates

GIVEN = Path("given/b.sqlite")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a small sound bank, some of its rows longer than a page."""
    path = tmp_path_factory.mktemp("bank") / "b"
    with Bank(path) as bank:
        bank.add_task("h", name="t", family="f", kind="anomaly", embedding=np.ones(5, np.float32))
        for at, genotype in enumerate(sample_candidates(8, np.random.default_rng(0))):
            bank.add(
                TrialRecord(genotype=genotype.to_dict(), genotype_key=genotype.key, task_name="t", task_hash="h",
                            family="f", kind="anomaly", protocol="anomaly-1", metric="auc_pr", higher_is_better=True,
                            iterations=100, rng_seed=0, score=0.5, curve=((0, 0.25, None), (100, 0.5, 1.0)),
                            details={"note": "x" * (5000 if at == 2 else 3)})
            )  # fmt: skip
    return path.read_bytes()


def _read_all(content: bytes) -> None:
    for path in Path("given").iterdir():
        path.unlink()
    GIVEN.write_bytes(content)
    shown = list(find_problems(GIVEN))
    assert all(line.isprintable() and len(line) < 2000 for line in shown)
    with Bank(GIVEN, read_only=True) as bank:
        bank.tallies()
        bank.tasks()
        bank.task_embeddings()
        bank.records_of("0")
        bank.export_csv("given/t.csv")


def test_broken_files(hostile: Callable[..., None], fuzz: SimpleNamespace, whole: bytes) -> None:
    hostile(fuzz.seeded("bank", lambda rng: fuzz.bytes_of(rng, whole)), _read_all, share=0.04, allowed=(BankError,))


def test_broken_packed_files(hostile: Callable[..., None], fuzz: SimpleNamespace, whole: bytes) -> None:
    def use(content: bytes) -> None:
        Path("given/b.sqlite.xz").write_bytes(content)
        assert not list(find_problems(Path("given/b.sqlite.xz")))  # what unpacks is what was packed

    packed = lzma.compress(whole)
    hostile(fuzz.seeded("packed", lambda rng: fuzz.bytes_of(rng, packed)), use, share=0.02, allowed=(BankError,))


def test_broken_files_are_recovered_or_not(hostile: Callable[..., None], fuzz: SimpleNamespace, whole: bytes) -> None:
    def use(content: bytes) -> None:
        for path in Path("given").iterdir():
            path.unlink()
        GIVEN.write_bytes(content)
        recover_bank(GIVEN, Path("given/new"))
        assert not any("digest" in line for line in find_problems(Path("given/new")))
        merge_banks([Path("given/new"), Path("given/new")], Path("given/all"), mix_protocols=True)

    hostile(fuzz.seeded("recover", lambda rng: fuzz.bytes_of(rng, whole)), use, share=0.04, allowed=(BankError,))


def test_sound_files_with_odd_cells(hostile: Callable[..., None], fuzz: SimpleNamespace, whole: bytes) -> None:
    """A file that SQLite finds nothing wrong with, and whose cells hold anything."""
    tables = {"trials": 22, "tasks": 7, "facts": 2}

    def make(rng: random.Random) -> bytes:
        path = Path("given/made")
        path.write_bytes(whole)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = MEMORY")
            for _ in range(rng.choice((1, 1, 3))):
                table = rng.choice(("trials", "trials", "trials", "tasks", "facts"))
                column = connection.execute(f"PRAGMA table_info({table})").fetchall()[rng.randrange(tables[table])][1]
                odd = rng.choice(fuzz.odd)
                values = (odd, odd.encode(), None, rng.randrange(-(2**63), 2**63), 0.5, -1e308, 9e999, "[" * 9999)
                texts = (f"[[0, {odd}, null]]", f'{{"a": {odd}}}', "[[0, 1e400, 1]]", '{"schema": 1}')
                value = rng.choice((*values, *texts))
                sql = f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid = ?"
                try:
                    connection.execute(sql, (value, rng.randrange(1, 9)))
                except (sqlite3.Error, UnicodeEncodeError):
                    continue
            connection.commit()
        content = path.read_bytes()
        path.unlink()
        return content

    hostile(fuzz.seeded("cells", make), _read_all, share=0.04, allowed=(BankError,))


def test_a_log_of_another_bank_is_no_way_in(tmp_path: Path, whole: bytes) -> None:
    with Bank(tmp_path / "other") as bank:
        bank.add_task("evil", name="evil", family="f", kind="anomaly")
        shutil.copyfile(tmp_path / "other-wal", tmp_path / "b-wal")
    (tmp_path / "b").write_bytes(whole)
    try:
        with Bank(tmp_path / "b", read_only=True) as bank:
            bank.records()
    except BankError as error:
        assert "\n" not in str(error)
