"""From a damaged bank to a new one with everything that can still be read, and an account of what is lost."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ahc.bank.errors import SQLITE_ERRORS, BankError
from ahc.bank.file import ROLLBACK_JOURNAL, WRITE_AHEAD_LOG, beside, holds_something, page_size_of
from ahc.bank.pages import Cell, Pages
from ahc.bank.rows import REALS, UNREADABLE, TaskRow, digest_of, from_row, reason
from ahc.bank.schema import KEY_COLUMNS, TRIAL_COLUMNS
from ahc.bank.whole import check_free, new_bank
from ahc.record import TrialRecord

Key = tuple[Any, ...]
_USUAL_PAGE_SIZES = (4096, 8192, 1024, 2048, 16384, 32768, 65536, 512)
_AT_ONCE = 1_000


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
    tasks: dict[str, tuple[int, TaskRow]] = field(default_factory=dict)
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

    The file's pages are read one by one, past whatever is wrong with the others; rows that are not what was once
    written are left out. The damaged file stays as it is.

    Args:
        broken: The damaged bank; its log and journal beside it are read too.
        output: The new bank; never one that exists.

    Returns:
        What was found and what is known to be lost.

    Raises:
        BankError: If `output` exists, `broken` does not, or nothing in it can be read.
    """
    if not broken.is_file():
        raise BankError(f"{broken}: there is no such bank")
    check_free(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    found = Recovered()
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as folder, new_bank(output) as bank:
        trials = read_what_is_left(_completed(broken, Path(folder)), found)
        while part := list(islice(trials, _AT_ONCE)):
            bank.add_all(part)
        for _, task in sorted(found.tasks.values(), key=lambda pair: pair[0]):
            bank.add_task_row(task)
        if not found.trials and not found.tasks:
            raise BankError(f"{broken}: nothing in it can be read as a trial or a task of a bank")
    return found


def read_what_is_left(path: Path, found: Recovered) -> Iterator[TrialRecord]:
    """Yield the trials in the pages of a file, and note in `found` what else there is and what is missing."""
    log = beside(path, WRITE_AHEAD_LOG)
    for page_size in _page_sizes(path, log):
        with Pages(path, page_size=page_size, log=log) as pages:
            yield from _sorted_out(pages.cells(), found)
        if found.trials or found.tasks:
            return


def _completed(broken: Path, folder: Path) -> Path:
    """Return the file, or a copy in which SQLite has undone what a killed writer had begun."""
    if not holds_something(beside(broken, ROLLBACK_JOURNAL)):
        return broken
    copy = folder / "copy"
    for ending in ("", WRITE_AHEAD_LOG, ROLLBACK_JOURNAL):
        if beside(broken, ending).exists():
            shutil.copyfile(beside(broken, ending), beside(copy, ending))
    with suppress(*SQLITE_ERRORS), closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return copy


def _page_sizes(path: Path, log: Path) -> list[int]:
    """Return the page sizes to try, first the one that the file tells, then that of its log."""
    with path.open("rb") as stream:
        told = [page_size_of(stream.read(100))]
    if log.is_file():
        with log.open("rb") as stream:
            told.append(int.from_bytes(stream.read(12)[8:12], "big"))
    return [size for size in dict.fromkeys((*told, *_USUAL_PAGE_SIZES)) if size in _USUAL_PAGE_SIZES]


def _sorted_out(cells: Iterator[Cell], found: Recovered) -> Iterator[TrialRecord]:
    for cell in cells:
        if cell.of_table and _begins_like_a_trial(cell.values):
            record = _trial(cell, found)
            if record is not None:
                yield record
        elif cell.of_table and len(cell.values) == len(TaskRow._fields):
            task = TaskRow(*cell.values)
            # a renewed task is a new row; the old one may still lie in a page that is free
            if not task.problem() and cell.number > found.tasks.get(task.task_hash, (0, task))[0]:
                found.tasks[task.task_hash] = (cell.number, task)
        elif not cell.of_table and len(cell.values) == len(KEY_COLUMNS) + 1 and _is_key(cell.values[:-1]):
            found.named.add(cell.values[:-1])


def _trial(cell: Cell, found: Recovered) -> TrialRecord | None:
    row = dict(zip(TRIAL_COLUMNS, cell.values, strict=False))
    for name in REALS:  # on disk, a real number without decimals is a whole one
        row[name] = float(row[name]) if isinstance(row[name], int) else row[name]
    cells = tuple(row[name] for name in TRIAL_COLUMNS[:-1])
    key = cells[: len(KEY_COLUMNS)]
    try:
        if row.get("digest") and row["digest"] != digest_of(cells):
            raise ValueError("it was changed after it was written")
        record = from_row(row)
    except UNREADABLE as error:
        found.damaged[key] = reason(error)
        return None
    found.highest = max(found.highest, cell.number)
    if key in found.trials:
        return None
    found.trials.add(key)
    return record


def _begins_like_a_trial(values: tuple[Any, ...]) -> bool:
    return len(values) in (len(TRIAL_COLUMNS) - 1, len(TRIAL_COLUMNS)) and _is_key(values[: len(KEY_COLUMNS)])


def _is_key(values: tuple[Any, ...]) -> bool:
    return [type(value) for value in values] == [str, str, str, int, int]
