"""Opening: what is damaged or foreign is refused in one sentence and runs nothing; network disks get no shared log."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ahc.bank import Bank, BankError, file
from ahc.bank.file import choose_journal, file_system
from ahc.record import TrialRecord

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/me/local\\040disk xfs rw 0 0
//nas/share /mnt/share cifs rw 0 0
tmpfs /mnt/share tmpfs rw 0 0
broken
"""


def _refused(path: Path, *, read_only: bool = True) -> str:
    """Return the sentence with which a file is refused, and check that it stays as it was."""
    before = path.read_bytes()
    with pytest.raises(BankError) as caught, Bank(path, read_only=read_only) as bank:
        bank.records()
        bank.tasks()
    assert path.read_bytes() == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("read_only", [True, False])
def test_a_cut_bank_says_so_and_names_the_way_out(sound: Path, share: float, read_only: bool) -> None:
    size = sound.stat().st_size
    sound.write_bytes(sound.read_bytes()[: int(share * size)])
    sentence = _refused(sound, read_only=read_only)
    assert f"it is cut off: {int(share * size):,} of {size:,} bytes" in sentence
    assert f"tscnas bank recover {sound} --output NEW" in sentence


def test_overwritten_pages_are_said_when_they_are_read(sound: Path) -> None:
    content = bytearray(sound.read_bytes())
    for at in range(2 * 4096, len(content), 4096):
        content[at : at + 200] = b"\xff" * 200
    sound.write_bytes(content)
    assert "damaged" in (sentence := _refused(sound)) and "tscnas bank recover" in sentence


def test_an_overwritten_beginning_names_the_way_out(sound: Path) -> None:
    sound.write_bytes(bytes(4096) + sound.read_bytes()[4096:])
    assert "not a trial bank" in (sentence := _refused(sound)) and "tscnas bank recover" in sentence


def test_an_empty_file_with_a_log_is_not_taken_for_a_new_bank(tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with Bank(tmp_path / "b") as bank:
        bank.add_all(records)
        shutil.copyfile(tmp_path / "b-wal", tmp_path / "cut-wal")
    (tmp_path / "cut").write_bytes(b"")
    before = (tmp_path / "cut-wal").read_bytes()
    assert "the file is empty, and its log is not" in _refused(tmp_path / "cut", read_only=False)
    assert (tmp_path / "cut-wal").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("curve", "[[0, NaN, null]]"),
        ("curve", "[[0, 1]]"),
        ("curve", "[" * 5000),
        ("genotype", "[]"),
        ("genotype", b"{}"),
        ("details", '{"a": '),
        ("status", "splendid"),
        ("score", "many"),
        ("n_parameters", 0.5),
        ("higher_is_better", 7),
        ("task_name", b"\xff\xfe"),
    ],
)
def test_a_cell_that_is_no_record_is_said(sound: Path, change: str, value: object) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute(f"UPDATE trials SET {change} = ? WHERE rowid = 3", (value,))
    assert "damaged" in (sentence := _refused(sound)) and "tscnas bank recover" in sentence


FOREIGN = {
    "a trigger": "CREATE TRIGGER evil AFTER INSERT ON trials BEGIN INSERT INTO facts VALUES ('ran', '1'); END",
    "a view": "CREATE VIEW evil AS SELECT * FROM trials",
    "a further table": "CREATE TABLE evil (x)",
    "an index on an expression": "CREATE INDEX evil ON trials (abs(score))",
    "a table of a module": "CREATE VIRTUAL TABLE evil USING fts5(x)",
}


@pytest.mark.parametrize("statement", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("read_only", [True, False])
def test_nothing_that_could_run_is_accepted(sound: Path, statement: str, read_only: bool) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(statement)
    sentence = _refused(sound, read_only=read_only)
    assert "not a trial bank" in sentence and "evil" in sentence and "which no bank has" in sentence


def test_a_view_in_place_of_a_table_is_refused(sound: Path) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("ALTER TABLE trials RENAME TO others")
        connection.execute("CREATE VIEW trials AS SELECT * FROM others")
    assert "a bank has the tables" in _refused(sound)


def test_a_name_that_is_no_text_is_refused(sound: Path) -> None:
    sound.write_bytes(sound.read_bytes().replace(b"trials_of_task", b"trials_of_\xfb\xfb\xfb\xfb"))
    assert "\n" not in _refused(sound)


def test_pages_that_lead_in_circles_end(tmp_path: Path) -> None:
    with Bank(tmp_path / "b", lasting=False) as bank:
        for number in range(300):
            bank.add_task(f"{number}", name="t", family="f", kind="anomaly")
    with closing(sqlite3.connect(tmp_path / "b")) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'tasks'").fetchone()
    content = bytearray((tmp_path / "b").read_bytes())
    page = content[(root - 1) * 4096 : root * 4096]
    assert page[0] == 5  # an inner page
    cell = page[int.from_bytes(page[12:14], "big") :][:6]
    n_cells = 500  # all of which lead to the same leaf
    start = 4096 - 6 * n_cells
    places = b"".join((start + 6 * at).to_bytes(2, "big") for at in range(n_cells))
    head = b"\x05\0\0" + n_cells.to_bytes(2, "big") + start.to_bytes(2, "big") + b"\0" + cell[:4]
    page = (head + places).ljust(start, b"\0") + cell * n_cells
    content[(root - 1) * 4096 : root * 4096] = page
    (tmp_path / "b").write_bytes(content)
    assert "its pages lead in circles" in _refused(tmp_path / "b")


def test_a_generated_column_is_refused(sound: Path) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("ALTER TABLE tasks ADD COLUMN evil AS (zeroblob(1000000000))")
    assert "its table tasks is not that of a bank of schema 2" in _refused(sound)


class _Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_a_cell_that_cannot_be_read(sound: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        bomb = pickle.dumps(_Bomb(tmp_path / "it-ran"))
        connection.execute("UPDATE trials SET genotype = ?, curve = ?, details = ?", (bomb, bomb, bomb))
        connection.execute("UPDATE tasks SET spec = ?, embedding = ?", (bomb, bomb))
    assert "genotype must be text" in _refused(sound)
    (tmp_path / "bomb").write_bytes(pickle.dumps(_Bomb(tmp_path / "it-ran")))
    assert "not a trial bank" in _refused(tmp_path / "bomb")
    assert not (tmp_path / "it-ran").exists()


def test_messages_hold_no_control_characters(sound: Path) -> None:
    with closing(sqlite3.connect(sound)) as connection, connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        hostile = ("\x1b[2J" + "k" * 9000, "\x1b]0;x\x07")
        connection.execute("UPDATE trials SET genotype_key = ?, status = ? WHERE rowid = 1", hostile)
    assert (sentence := _refused(sound)).isprintable() and len(sentence) < 1000


def test_a_killed_writers_transaction_is_undone(sound: Path, tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with closing(sqlite3.connect(sound)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA cache_size = 1")  # so that it writes before it commits
        connection.execute("BEGIN")
        connection.execute("UPDATE trials SET task_name = task_name || hex(zeroblob(3000))")
        for ending in ("", "-journal"):
            shutil.copyfile(f"{sound}{ending}", tmp_path / f"killed{ending}")
    assert (tmp_path / "killed").read_bytes() != sound.read_bytes()
    with Bank(tmp_path / "killed", read_only=True) as bank:
        assert bank.records() == list(records)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/data/b", "ext4"),
        ("/home/b", "nfs4"),
        ("/home/me/local disk/b", "xfs"),
        ("/homely/b", "ext4"),
        ("/mnt/share/b", "tmpfs"),
    ],
)
def test_the_disk_of_a_path_is_the_innermost_and_latest_mount(path: str, kind: str) -> None:
    assert file_system(Path(path), mounts=MOUNTS) == kind


def test_a_network_disk_gets_the_old_journal(
    sound: Path, records: Sequence[TrialRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(sound)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    monkeypatch.setattr(file, "file_system", lambda path: "nfs4")
    with Bank(sound) as bank:
        bank.add(records[0])
        assert [path.name for path in sorted(sound.parent.glob("sound*"))] == ["sound.sqlite"]
        with Bank(sound, read_only=True) as reader:
            assert reader.records() == list(records)
    with closing(sqlite3.connect(sound)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.parametrize("answer", ["delete", "error"])
def test_the_old_journal_serves_where_the_log_cannot(answer: str) -> None:
    class Stubborn(sqlite3.Connection):
        def execute(self, statement: str, *rest: object) -> sqlite3.Cursor:  # type: ignore[override]
            if statement.endswith("= WAL"):
                if answer == "error":
                    raise sqlite3.OperationalError("locking protocol")
                statement = "SELECT 'delete'"
            return super().execute(statement, *rest)  # type: ignore[arg-type]

    with closing(sqlite3.connect(":memory:", factory=Stubborn)) as connection:
        assert choose_journal(connection, network=False) == "delete"
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_full_disk_is_one_sentence(tmp_path: Path, records: Sequence[TrialRecord]) -> None:
    with Bank(tmp_path / "b") as bank:
        bank.add(records[0])
        bank._connection.execute("PRAGMA max_page_count = 12")
        with pytest.raises(BankError, match="the disk is full; what was stored before is kept"):
            bank.add_all(records)
        assert bank.records() == [records[0]]
