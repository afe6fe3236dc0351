"""From a damaged bank to a new one with everything that can still be read, and an account of what is lost.

SQLite reads a table from its root downwards, so one damaged page hides all that lie below it. Here each page that may
hold rows is made the root of a table in its turn: SQLite reads its rows, wherever they go on, past whatever is wrong
with the other pages (page types: https://www.sqlite.org/fileformat2.html, section 1.6).
"""

import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ahc.bank.errors import SQLITE_ERRORS, BankError
from ahc.bank.file import ROLLBACK_JOURNAL, WRITE_AHEAD_LOG, beside, left_beside, page_size_of
from ahc.bank.packed import unpacked
from ahc.bank.rows import TaskEntry, from_row
from ahc.bank.schema import KEY_COLUMNS, KEY_ORDER, TASK_COLUMNS, TRIAL_COLUMNS, digest_of
from ahc.bank.store import check_free, new_bank
from ahc.record import TrialRecord

Key = tuple[Any, ...]
_TABLE, _INDEX, _INNER_INDEX = 13, 10, 2  # kinds of pages, by their first byte
_USUAL_PAGE_SIZE, _SMALLEST_PAGE_SIZE = 4096, 1024
_LONGEST_CELL = 16 * 2**20
# as whom SQLite reads a page: one of trials, or of tasks, whose columns are fewer; and one of an index of keys
_READERS = (
    f"CREATE TABLE rows ({', '.join(name + ' REAL' * (kind is float) for name, (kind, _) in TRIAL_COLUMNS.items())})",
    f"CREATE TABLE keys ({KEY_ORDER}, number, PRIMARY KEY ({KEY_ORDER}, number)) WITHOUT ROWID",
)
_SELECT = {
    _TABLE: f"SELECT rowid, {', '.join(TRIAL_COLUMNS)} FROM rows",
    _INDEX: f"SELECT {KEY_ORDER} FROM keys",
}


@dataclass
class Recovered:
    """What a damaged file still held.

    Args:
        trials: Keys of the trials that were read.
        tasks: Tasks that were read, by their hash, each with the number of its row.
        damaged: Why a trial that is there could not be used, by its key as far as it is known.
        named: Keys that an index of the file knows.
        highest: The highest number of a trial's row.
    """

    trials: set[Key] = field(default_factory=set)
    tasks: dict[str, tuple[int, TaskEntry]] = field(default_factory=dict)
    damaged: dict[Key, str] = field(default_factory=dict)
    named: set[Key] = field(default_factory=set)
    highest: int = 0

    @property
    def lost(self) -> list[Key]:
        """Keys of the trials that were there and could not be read."""
        return sorted((self.named | self.damaged.keys()) - self.trials, key=repr)

    @property
    def n_unaccounted(self) -> int:
        """How many numbers of rows belong to nothing that is known: lost without a trace, or never used."""
        return max(self.highest - len(self.trials) - len(self.lost), 0)

    @property
    def tasks_without_entry(self) -> list[str]:
        """Hashes of tasks that trials belong to and whose entries are gone."""
        return sorted({key[1] for key in self.trials} - self.tasks.keys())


def recover_bank(broken: Path, output: Path) -> Recovered:
    """Write everything that can be read in a damaged bank into a new one.

    Rows that are not what was once written are left out. The damaged file stays as it is.

    Args:
        broken: The damaged bank; its log and journal beside it are read too.
        output: The new bank; never one that exists.

    Returns:
        What was read and what is known to be lost.

    Raises:
        BankError: If `output` exists, `broken` does not, or nothing in it can be read.
    """
    if not broken.is_file():
        raise BankError(f"{broken}: there is no such bank")
    check_free(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    recovered = Recovered()
    beside_it = tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent)
    with beside_it as folder, new_bank(output) as bank, unpacked(broken) as file:
        bank.add_all(read_what_is_left(file, recovered, folder=Path(folder)))
        for _, task in sorted(recovered.tasks.values()):
            bank.add_entry(task)
        if not recovered.trials and not recovered.tasks:
            raise BankError(f"{broken}: nothing in it can be read as a trial or a task of a bank")
    return recovered


def read_what_is_left(broken: Path, recovered: Recovered, *, folder: Path) -> Iterator[TrialRecord]:
    """Yield the trials in the pages of a file, and note in `recovered` what else there is and what is missing.

    Args:
        broken: The damaged bank; read only.
        recovered: What is found is noted here.
        folder: A copy lies here meanwhile.
    """
    copy, page_size = _completed(broken, folder), _page_size(broken)
    _write_log_in(beside(broken, WRITE_AHEAD_LOG), copy, page_size=page_size)
    n_pages = _lay_readers(copy, page_size=page_size)
    for is_index, row in _rows(copy, n_pages=n_pages, page_size=page_size):
        if not is_index:
            yield from _sorted_out(row, recovered)
        elif _is_key(row):
            recovered.named.add(row)


def _rows(copy: Path, *, n_pages: int, page_size: int) -> Iterator[tuple[bool, tuple[Any, ...]]]:
    """Yield what lies on each page, read in its turn as the last one: rows, and (marked True) entries of an index."""
    # a sound file is read once; a hostile one may lead to the same pages again and again
    allowance = 4 * n_pages * page_size
    with closing(sqlite3.connect(copy)) as connection, copy.open("r+b") as stream:
        connection.text_factory = _text
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_CELL)
        for number in range(2, n_pages):
            stream.seek((number - 1) * page_size)
            page = stream.read(page_size)
            for form in _forms(page):
                stream.seek((n_pages - 1) * page_size)
                stream.write(form)
                stream.flush()
                connection.execute("PRAGMA shrink_memory")  # so that the page is read anew
                with suppress(*SQLITE_ERRORS):
                    for row in connection.execute(_SELECT[form[0]]):
                        allowance -= sum(len(cell) for cell in row if isinstance(cell, str | bytes))
                        if allowance < 0:
                            return
                        yield form[0] == _INDEX, row
                    if form is page:
                        break  # nothing of it is missing


def _completed(broken: Path, folder: Path) -> Path:
    """Return a copy in which SQLite has undone what a killed writer had begun."""
    copy = folder / "copy"
    for ending in ("", ROLLBACK_JOURNAL):
        if beside(broken, ending).exists():
            shutil.copyfile(beside(broken, ending), beside(copy, ending))
    if left_beside(copy, ROLLBACK_JOURNAL):
        with suppress(*SQLITE_ERRORS), closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return copy


def _page_size(broken: Path) -> int:
    """Return the page size that a file tells, or the usual one where it tells none that a bank can have."""
    with broken.open("rb") as stream:
        told = page_size_of(stream.read(100))
    return told if told >= _SMALLEST_PAGE_SIZE else _USUAL_PAGE_SIZE


def _write_log_in(log: Path, copy: Path, *, page_size: int) -> None:
    """Put the pages of a write-ahead log in the place of the older ones, up to its last whole transaction.

    SQLite would end at the first page that was changed afterwards; the rows on it are told by their digests.
    """
    if not log.is_file():
        return
    most = (copy.stat().st_size + log.stat().st_size) // page_size
    with log.open("rb") as frames, copy.open("r+b") as stream:
        head = frames.read(32)
        begun: dict[int, bytes] = {}
        while len(frame := frames.read(24 + page_size)) == 24 + page_size and frame[8:16] == head[16:24]:
            number, n_pages = struct.unpack(">II", frame[:8])
            if int.from_bytes(head[8:12], "big") != page_size or not 0 < number <= most:
                return
            begun[number] = frame[24:]
            if n_pages:  # the last page of a transaction
                for number, page in begun.items():
                    stream.seek((number - 1) * page_size)
                    stream.write(page)
                begun = {}


def _lay_readers(copy: Path, *, page_size: int) -> int:
    """Give a file a first page that names our readers and nothing else, and a last page to read; return its number."""
    n_pages = -(-copy.stat().st_size // page_size) + 1
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"PRAGMA page_size = {page_size}")
        for statement in _READERS:
            connection.execute(statement)
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = ?", (n_pages,))
        connection.commit()
        page = bytearray(connection.serialize()[:page_size])
    page[28:32] = bytes(4)  # as many pages as the file has
    with copy.open("r+b") as stream:
        stream.write(page)
        stream.write(b"\xff" * (-stream.seek(0, 2) % page_size))  # no text that goes on there is taken for whole
        stream.truncate(n_pages * page_size)
    return n_pages


def _text(content: bytes) -> str | bytes:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content


def _forms(page: bytes) -> Iterator[bytes]:
    """Yield a leaf as it is, and then as a leaf of each of its cells alone; of an inner page of an index only those."""
    if page[0] in _SELECT:
        yield page
    elif page[0] != _INNER_INDEX:
        return
    # an inner page has 4 bytes more in its head, and in front of each entry
    kind, more = (page[0], 0) if page[0] in _SELECT else (_INDEX, 4)
    first, n_cells = 8 + more, int.from_bytes(page[3:5], "big")
    for at in range(first, min(first + 2 * n_cells, len(page) - 1), 2):
        place = (int.from_bytes(page[at : at + 2], "big") + more) % 2**16
        yield bytes([kind]) + page[1:3] + b"\0\1" + page[5:8] + place.to_bytes(2, "big") + page[10:]


def _sorted_out(row: tuple[Any, ...], recovered: Recovered) -> Iterator[TrialRecord]:
    number, *cells = row
    key = tuple(cells[: len(KEY_COLUMNS)])
    if not _is_key(key):
        task = TaskEntry(*cells[: len(TASK_COLUMNS)])
        # a renewed task is a new row; the old one may still lie in a page that is free
        if not task.problem() and number > recovered.tasks.get(task.task_hash, (0, task))[0]:
            recovered.tasks[task.task_hash] = (number, task)
        return
    columns = dict(zip(TRIAL_COLUMNS, cells, strict=True))
    if columns["digest"] and columns["digest"] != digest_of(cells[:-1]):
        recovered.damaged[key] = "it was changed after it was written"
        return
    try:
        record = from_row(columns)
    except ValueError as error:
        recovered.damaged[key] = str(error)
        return
    recovered.highest = max(recovered.highest, number)
    if key not in recovered.trials:
        recovered.trials.add(key)
        yield record


def _is_key(values: tuple[Any, ...]) -> bool:
    return [type(value) for value in values] == [str, str, str, int, int]
