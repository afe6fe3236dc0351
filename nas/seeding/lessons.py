"""What a comparator learns from, as a bank holds it."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ahc.bank import Bank, BankError
from ahc.bank.errors import printable
from ahc.record import TrialRecord
from ahc.task_embedding import EMBEDDING_VERSION
from nas.runs.progress import tell


@dataclass(frozen=True)
class Lessons:
    """What a comparator learns from: the trial records of a bank, and the embeddings of their tasks by hash."""

    bank: str
    records: list[TrialRecord]
    embeddings: dict[str, NDArray[np.float32]]


def read_lessons(path: str, *, without: Collection[str] = ()) -> Lessons:
    """Return the records of a bank in the order of their keys, and the task embeddings.

    The order in which trials ended, which no two runs share, must not reach the comparator.

    Args:
        path: The bank.
        without: Families that are left out.

    Raises:
        BankError: If the bank is no bank, has no such family, or holds embeddings of another version than this software
            makes.
    """
    with Bank(path, read_only=True) as bank:
        known = ("", EMBEDDING_VERSION)  # of nobody's version: made before versions were named
        other = [row for row in bank.tasks() if row.embedding is not None and row.embedding_version not in known]
        if other:
            raise BankError(
                f"{bank.path}: the embedding of task {printable(other[0].name)} is of version "
                f"{printable(other[0].embedding_version)}, but this software makes version {EMBEDDING_VERSION}; "
                "the `tscnas seeds` command that filled the bank renews it"
            )
        records, embeddings = bank.records(), bank.task_embeddings()
    unknown = sorted({*without} - {record.family for record in records})
    if unknown:
        raise BankError(f"{path}: no task of a family {', '.join(map(printable, unknown))}, which --without names")
    records = [record for record in records if record.family not in without]
    known_tasks = [record for record in records if record.task_hash in embeddings]
    return Lessons(path, sorted(known_tasks, key=lambda record: record.record_key), embeddings)


@contextlib.contextmanager
def faults_of(bank: str) -> Iterator[None]:
    """Say which bank it is that a fault lies in."""
    try:
        yield
    except ValueError as error:
        raise BankError(f"{bank}: {error}") from error


def progress_of(*, quiet: bool) -> Callable[[str], None]:
    """Return what lines of progress are told to."""
    return (lambda line: None) if quiet else tell
