"""From a bank to a comparator and an honest account of it: `tscnas ahc`."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ahc.bank.export import plain_cell
from ahc.checkpoint import save_comparator
from ahc.comparator import Comparator
from ahc.evaluation.bank_account import account_text
from ahc.evaluation.families import Evaluation
from ahc.task_embedding import EMBEDDING_VERSION, feature_weights
from ahc.training.comparators import train_comparator
from compute.paths import user_path
from nas.errors import OutputExistsError
from nas.options.seeding import AhcOptions
from nas.replay.account import replay
from nas.replay.contest import Recorded, pools_of
from nas.runs.lock import folder_lock
from nas.runs.whole_file import write_whole_text
from nas.seeding.judging import Judgement, judge
from nas.seeding.lessons import Lessons, faults_of, progress_of, read_lessons

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
    lessons = read_lessons(options.bank, without=options.without)  # first: a bank at fault leaves no folder behind
    if options.replay:
        with faults_of(lessons.bank):
            pools_of(Recorded(lessons.records, lessons.embeddings))
    with comparator_folder(options.output, overwrite=options.overwrite) as folder:
        comparator = learn(lessons, rng_seed=options.rng_seed, quiet=options.quiet)
        judgement = judge(lessons, comparator, options) if options.evaluate else None
        played = replay_of(lessons, folder, rng_seed=options.rng_seed, quiet=options.quiet) if options.replay else ""
        result = write_comparator(folder, comparator, judgement, lessons=lessons, rng_seed=options.rng_seed)
        return replace(result, text="\n".join(filter(None, (result.text, played))))


def learn(lessons: Lessons, *, rng_seed: int, quiet: bool) -> Comparator:
    """Train the comparator.

    Raises:
        BankError: If the bank holds too little to learn from.
    """
    torch.set_num_threads(1)  # its matrices are small: more threads only wait for each other
    with faults_of(lessons.bank):
        return train_comparator(
            lessons.records,
            lessons.embeddings,
            rng_seed=rng_seed,
            feature_weights=feature_weights(),
            embedding_version=EMBEDDING_VERSION,
            progress=progress_of(quiet=quiet),
        )


def replay_of(lessons: Lessons, folder: Path, *, rng_seed: int, quiet: bool) -> str:
    """Play all strategies of a search on the recorded trials and return the account of it.

    Raises:
        BankError: If the bank holds too little for that.
    """
    with faults_of(lessons.bank):
        recorded = Recorded(lessons.records, lessons.embeddings)
        return replay(recorded, folder, rng_seed=rng_seed, progress=progress_of(quiet=quiet))


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
    folder: Path, comparator: Comparator, judgement: Judgement | None, *, lessons: Lessons, rng_seed: int
) -> AhcResult:
    """Write the account of the bank, the evaluation, and last the checkpoint: a folder that has one is complete."""
    records, checkpoint = lessons.records, folder / CHECKPOINT
    tasks = len({record.task_hash for record in records})
    lines = [f"{checkpoint}: comparator trained on {len(records)} records of {tasks} tasks"]
    if judgement is not None:
        write_whole_text(folder / ACCOUNT, account_text(records, rng_seed=rng_seed))
        write_whole_text(folder / REPORT, judgement.text)
        write_whole_text(folder / TABLE, judgement.evaluation.table.map(plain_cell).to_csv(index=False))
        lines += [f"{folder / ACCOUNT}: label noise, gain of training, and what the genes explain"]
        lines += ["Judged on families it has not seen:", "", judgement.text]
    save_comparator(checkpoint, comparator)
    evaluation = None if judgement is None else judgement.evaluation
    return AhcResult(checkpoint=checkpoint, evaluation=evaluation, text="\n".join(lines))
