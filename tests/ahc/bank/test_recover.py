"""Everything that is still in the file comes back, what is lost is said, and nothing is made up."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ahc.bank import Bank, BankError
from ahc.bank.recover import Recovered, read_what_is_left, recover_bank
from ahc.bank.verify import find_problems
from ahc.record import TrialRecord

PAGE = 4096


def _left(path: Path) -> tuple[list[TrialRecord], Recovered]:
    recovered = Recovered()
    with tempfile.TemporaryDirectory() as folder:
        return list(read_what_is_left(path, recovered, folder=Path(folder))), recovered


@pytest.mark.parametrize("name", ["sound", "version_1"])
def test_a_sound_bank_comes_back_whole(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    path = request.getfixturevalue(name)
    before = path.read_bytes()
    found = recover_bank(path, tmp_path / "new")
    assert (found.lost, found.n_unaccounted, found.damaged) == ([], 0, {})
    with Bank(path, read_only=True) as old, Bank(tmp_path / "new") as new:
        assert new.records() == old.records()
        assert new.tasks() == old.tasks()
    assert path.read_bytes() == before
    assert list(find_problems(tmp_path / "new")) == []


@pytest.mark.parametrize("share", [0.4, 0.6, 0.9])
def test_a_cut_file_gives_what_lies_before_the_cut(
    sound: Path, tmp_path: Path, share: float, records: Sequence[TrialRecord]
) -> None:
    content = sound.read_bytes()
    sound.write_bytes(content[: int(share * len(content))])
    found = recover_bank(sound, tmp_path / "new")
    with Bank(tmp_path / "new") as new:
        kept = new.records()
    assert all(record in records for record in kept)
    assert len(kept) >= (share - 0.35) * len(records)
    # what the indexes still name is said, trial by trial
    assert not set(found.lost) & {record.record_key for record in kept}
    assert found.lost and set(found.lost) <= {record.record_key for record in records}
    assert list(find_problems(tmp_path / "new")) == []


@pytest.mark.parametrize("page", range(1, 12))
def test_one_lost_page_costs_only_what_lay_on_it(
    sound: Path, tmp_path: Path, page: int, records: Sequence[TrialRecord]
) -> None:
    content = bytearray(sound.read_bytes())
    content[(page - 1) * PAGE : page * PAGE] = random.Random(page).randbytes(PAGE)
    sound.write_bytes(content)
    kept, found = _left(sound)
    assert all(record in records for record in kept)
    assert len(kept) >= len(records) - 4
    assert len(kept) + len(found.lost) >= len(records) - 1


def test_a_log_is_read_even_where_the_file_is_empty(tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with Bank(tmp_path / "b") as bank:
        bank.add_all(records[:20])
        bank.add_all(records[20:])
        for ending in ("", "-wal"):
            shutil.copyfile(tmp_path / f"b{ending}", tmp_path / f"c{ending}")
    kept, _ = _left(tmp_path / "c")
    assert {record.record_key for record in kept} == {record.record_key for record in records}
    (tmp_path / "c").write_bytes(b"")
    kept, _ = _left(tmp_path / "c")
    assert {record.record_key for record in kept} == {record.record_key for record in records}


def test_a_log_without_its_last_commit_gives_the_commits_before(tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with Bank(tmp_path / "b") as bank:
        for record in records:
            bank.add(record)
        shutil.copyfile(tmp_path / "b", tmp_path / "c")
        log = (tmp_path / "b-wal").read_bytes()
    (tmp_path / "c-wal").write_bytes(log[: int(0.6 * len(log))])
    kept, _ = _left(tmp_path / "c")
    assert kept and kept == list(records[: len(kept)])


def test_a_killed_writers_transaction_is_undone(sound: Path, tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with closing(sqlite3.connect(sound)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE trials SET task_name = 'x' || task_name || hex(zeroblob(3000))")
        for ending in ("", "-journal"):
            shutil.copyfile(f"{sound}{ending}", tmp_path / f"killed{ending}")
    recover_bank(tmp_path / "killed", tmp_path / "new")
    with Bank(tmp_path / "new") as bank:
        assert bank.records() == list(records)


def test_a_changed_row_is_left_out_and_said(sound: Path, tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    content = sound.read_bytes()
    at = content.index(b"2025-01-01")
    sound.write_bytes(content[:at] + b"2026" + content[at + 4 :])
    found = recover_bank(sound, tmp_path / "new")
    assert list(found.damaged.values()) == ["it was changed after it was written"]
    assert len(found.trials) == len(records) - 1 and found.lost == list(found.damaged)


@pytest.mark.parametrize("page_size", [1024, 8192, 65536])
def test_pages_of_another_size_are_read(
    sound: Path, tmp_path: Path, page_size: int, records: Sequence[TrialRecord]
) -> None:
    with closing(sqlite3.connect(sound)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA page_size = {page_size}")
        connection.execute("VACUUM")
    content = sound.read_bytes()
    sound.write_bytes(bytes(16) + content[16:-3])  # neither its beginning nor its end is as it was
    kept, recovered = _left(sound)
    assert len(kept) >= len(records) - 1 and all(record in records for record in kept)
    assert len(recovered.tasks) == 2


def test_pages_that_lead_to_the_same_ones_again_and_again_end(sound: Path) -> None:
    content = sound.read_bytes()
    pages = [content[at : at + PAGE] for at in range(PAGE, len(content), PAGE)]
    cells = [(page, page[at : at + 2]) for page in pages if page[0] == 13 for at in range(8, 8 + 2 * page[4], 2)]
    # its length begins with the bits above the lowest seven: 4096 bytes and more, which go on in other pages
    page, longest = next(cell for cell in cells if cell[0][int.from_bytes(cell[1], "big")] >= 0x80 + 32)
    many = b"\x0d\0\0" + (300).to_bytes(2, "big") + page[5:8] + longest * 300
    sound.write_bytes(content + (many + page[len(many) :]) * 300)
    begun = time.process_time()
    kept, _ = _left(sound)
    assert len(kept) == 40 and time.process_time() - begun < 3.0


def test_nothing_in_the_file_runs(sound: Path, tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("CREATE TRIGGER evil AFTER INSERT ON trials BEGIN DELETE FROM trials; END")
        connection.execute("ALTER TABLE trials RENAME TO others")
        connection.execute("CREATE VIEW trials AS SELECT * FROM others WHERE load_extension('evil')")
    recover_bank(sound, tmp_path / "new")
    with Bank(tmp_path / "new", read_only=True) as bank:
        assert bank.records() == list(records)


def test_an_existing_file_is_never_replaced(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("precious")
    with pytest.raises(BankError, match="exists and is left alone"):
        recover_bank(sound, tmp_path / "new")
    assert (tmp_path / "new").read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"text\n" * 4000, bytes(20_000), b"SQLite format 3\0" + bytes(9000)])
def test_a_file_that_holds_no_bank_gives_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(BankError, match="nothing in it can be read"):
        recover_bank(tmp_path / "broken", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]
    with pytest.raises(BankError, match="there is no such bank"):
        recover_bank(tmp_path / "none", tmp_path / "new")


def test_whatever_is_broken_nothing_is_made_up(sound: Path, tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    whole = sound.read_bytes()
    for number in range(100):
        (tmp_path / "hurt").write_bytes(_hurt(whole, random.Random(number)))
        kept, _ = _left(tmp_path / "hurt")
        assert all(record in records for record in kept)
        with contextlib.suppress(BankError), Bank(tmp_path / "hurt", read_only=True) as bank:
            bank.tallies()
            bank.tasks()
            bank.records()
        with contextlib.suppress(BankError):
            assert all(line.isprintable() for line in find_problems(tmp_path / "hurt"))


def _hurt(whole: bytes, rng: random.Random) -> bytes:
    """Return a file with pieces overwritten by zeros, noise, or other pieces of it, and now and then cut off."""
    content = bytearray(whole)
    for _ in range(rng.choice((1, 3, 30))):
        at, length = rng.randrange(len(content)), rng.choice((1, 4, 300, 5000))
        piece = rng.choice((bytes(length), rng.randbytes(length), content[rng.randrange(len(content)) :][:length]))
        content[at : at + length] = piece
    return bytes(content[: rng.choice((len(content), rng.randrange(len(content))))])
