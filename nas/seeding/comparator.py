"""From a bank to a comparator and an honest account of it: `tscnas ahc`."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ahc.bank import Bank, BankError
from ahc.bank.errors import printable
from ahc.bank.export import plain_cell
from ahc.checkpoint import save_comparator
from ahc.comparator import Comparator
from ahc.evaluation.bank_account import account_text
from ahc.evaluation.families import Evaluation, leave_one_family_out
from ahc.record import TrialRecord
from ahc.task_embedding import EMBEDDING_VERSION, feature_weights
from ahc.training.comparators import train_comparator
from compute.paths import user_path
from nas.errors import OutputExistsError
from nas.options.seeding import AhcOptions
from nas.replay.account import replay
from nas.replay.contest import Recorded
from nas.runs.lock import folder_lock
from nas.runs.progress import tell
from nas.runs.whole_file import write_whole_text

CHECKPOINT, REPORT, TABLE, ACCOUNT = "comparator.safetensors", "evaluation.md", "evaluation.csv", "bank.md"


@dataclass(frozen=True)
class AhcResult:
    """The trained comparator's file, its evaluation, and the printed summary."""

    checkpoint: Path
    evaluation: Evaluation | None
    text: str


def train_ahc(options: AhcOptions) -> AhcResult:
    """Train the comparator on a bank and judge it on families that it has not seen.

    Args:
        options: The bank and where to write.

    Returns:
        What was written and the printed summary.

    Raises:
        BankError: If the bank is no bank, holds too little to learn from, or embeddings of another version.
        OutputExistsError: If a comparator is there already and may not be replaced.
        InUseError: If another driver writes to the folder.
    """
    lessons = read_lessons(options.bank)  # first: a bank at fault leaves no folder behind
    with comparator_folder(options.output, overwrite=options.overwrite) as folder:
        comparator = learn(lessons, rng_seed=options.rng_seed, quiet=options.quiet)
        evaluation = judge(lessons, rng_seed=options.rng_seed, quiet=options.quiet) if options.evaluate else None
        played = replay_of(lessons, folder, rng_seed=options.rng_seed, quiet=options.quiet) if options.replay else ""
        result = write_comparator(folder, comparator, evaluation, lessons=lessons, rng_seed=options.rng_seed)
        return replace(result, text="\n".join(filter(None, (result.text, played))))


@dataclass(frozen=True)
class Lessons:
    """What a comparator learns from: the trial records of a bank, and the embeddings of their tasks by hash."""

    bank: str
    records: list[TrialRecord]
    embeddings: dict[str, NDArray[np.float32]]


def read_lessons(path: str) -> Lessons:
    """Return the records of a bank in the order of their keys, and the task embeddings.

    The order in which trials ended, which no two runs share, must not reach the comparator.

    Raises:
        BankError: If the bank is no bank, or holds embeddings of another version than this software makes.
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
    known_tasks = [record for record in records if record.task_hash in embeddings]
    return Lessons(path, sorted(known_tasks, key=lambda record: record.record_key), embeddings)


def learn(lessons: Lessons, *, rng_seed: int, quiet: bool) -> Comparator:
    """Train the comparator.

    Raises:
        BankError: If the bank holds too little to learn from.
    """
    torch.set_num_threads(1)  # its matrices are small: more threads only wait for each other
    with _faults_of(lessons.bank):
        return train_comparator(
            lessons.records,
            lessons.embeddings,
            rng_seed=rng_seed,
            feature_weights=feature_weights(),
            embedding_version=EMBEDDING_VERSION,
            progress=_progress(quiet=quiet),
        )


def judge(lessons: Lessons, *, rng_seed: int, quiet: bool) -> Evaluation:
    """Hold out each family of tasks in turn and measure how well it is ranked.

    Raises:
        BankError: If the bank holds too little for that.
    """
    with _faults_of(lessons.bank):
        return leave_one_family_out(
            lessons.records,
            lessons.embeddings,
            rng_seed=rng_seed,
            feature_weights=feature_weights(),
            progress=_progress(quiet=quiet),
        )


def replay_of(lessons: Lessons, folder: Path, *, rng_seed: int, quiet: bool) -> str:
    """Play all strategies of a search on the recorded trials and return the account of it.

    Raises:
        BankError: If the bank holds too little for that.
    """
    with _faults_of(lessons.bank):
        recorded = Recorded(lessons.records, lessons.embeddings)
        return replay(recorded, folder, rng_seed=rng_seed, progress=_progress(quiet=quiet))


@contextlib.contextmanager
def comparator_folder(path: str, *, overwrite: bool) -> Iterator[Path]:
    """Be the only driver of a folder that a comparator is written to.

    Raises:
        OutputExistsError: If a comparator is there already and may not be replaced.
        InUseError: If another driver writes to the folder.
    """
    checkpoint = user_path(path) / CHECKPOINT
    with folder_lock(checkpoint.parent):
        if checkpoint.exists() and not overwrite:
            raise OutputExistsError(f"{checkpoint} exists; choose another --output or pass --overwrite")
        yield checkpoint.parent


def write_comparator(
    folder: Path, comparator: Comparator, evaluation: Evaluation | None, *, lessons: Lessons, rng_seed: int
) -> AhcResult:
    """Write the account of the bank, the evaluation, and last the checkpoint: a folder that has one is complete."""
    records, checkpoint = lessons.records, folder / CHECKPOINT
    tasks = len({record.task_hash for record in records})
    lines = [f"{checkpoint}: comparator trained on {len(records)} records of {tasks} tasks"]
    if evaluation is not None:
        write_whole_text(folder / ACCOUNT, account_text(records, rng_seed=rng_seed))
        write_whole_text(folder / REPORT, evaluation.to_markdown())
        write_whole_text(folder / TABLE, evaluation.table.map(plain_cell).to_csv(index=False))
        lines += [f"{folder / ACCOUNT}: label noise, gain of training, and what the genes explain"]
        lines += ["Judged on families it has not seen:", "", evaluation.to_markdown()]
    save_comparator(checkpoint, comparator)
    return AhcResult(checkpoint=checkpoint, evaluation=evaluation, text="\n".join(lines))


@contextlib.contextmanager
def _faults_of(bank: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise BankError(f"{bank}: {error}") from error


def _progress(*, quiet: bool) -> Callable[[str], None]:
    return (lambda line: None) if quiet else tell
