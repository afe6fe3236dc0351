"""From a bank to a comparator and an honest account of it: `tscnas ahc`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ahc.bank import Bank, BankError
from ahc.bank.errors import printable
from ahc.bank.export import plain_cell
from ahc.checkpoint import save_comparator
from ahc.evaluation.bank_account import account_text
from ahc.evaluation.families import Evaluation, leave_one_family_out
from ahc.record import TrialRecord
from ahc.task_embedding import EMBEDDING_VERSION, feature_weights
from ahc.training.comparators import train_comparator
from nas.options.seeding import AhcOptions
from nas.runs.errors import OutputExistsError
from nas.runs.lock import folder_lock
from nas.runs.whole_file import write_whole

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
    folder = Path(options.output)
    _check(folder, options)
    # opened first: a bank at fault leaves no folder behind
    with Bank(options.bank, read_only=True) as bank:
        records = bank.records()
        embeddings = _embeddings(bank)
    # the order in which trials ended, which no two runs share, must not reach the comparator
    records = sorted((one for one in records if one.task_hash in embeddings), key=lambda one: one.record_key)
    with folder_lock(folder):
        _check(folder, options)
        return _trained(records, embeddings, folder=folder, options=options)


def _embeddings(bank: Bank) -> dict[str, NDArray[np.float32]]:
    """Return the task embeddings, all of them of the version that this software makes, or of one that nobody named."""
    known = ("", EMBEDDING_VERSION)
    other = [row for row in bank.tasks() if row.embedding is not None and row.embedding_version not in known]
    if other:
        raise BankError(
            f"{bank.path}: the embedding of task {printable(other[0].name)} is of version "
            f"{printable(other[0].embedding_version)}, but this software makes version {EMBEDDING_VERSION}; "
            "the `tscnas seeds` command that filled the bank renews it"
        )
    return bank.task_embeddings()


def _check(folder: Path, options: AhcOptions) -> None:
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists() and not options.overwrite:
        raise OutputExistsError(f"{checkpoint} exists; choose another --output or pass --overwrite")


def _trained(
    records: list[TrialRecord], embeddings: dict[str, NDArray[np.float32]], *, folder: Path, options: AhcOptions
) -> AhcResult:
    """Train, judge and write; the checkpoint comes last, so a folder that has one is complete."""
    torch.set_num_threads(1)  # its matrices are small: more threads only wait for each other
    say = (lambda line: None) if options.quiet else (lambda line: print(line, file=sys.stderr, flush=True))
    try:
        comparator = train_comparator(
            records,
            embeddings,
            rng_seed=options.rng_seed,
            feature_weights=feature_weights(),
            embedding_version=EMBEDDING_VERSION,
            progress=say,
        )
        evaluation = None
        if options.evaluate:
            evaluation = leave_one_family_out(
                records, embeddings, rng_seed=options.rng_seed, feature_weights=feature_weights(), progress=say
            )
    except ValueError as error:
        raise BankError(f"{options.bank}: {error}") from error
    checkpoint = folder / CHECKPOINT
    tasks = len({record.task_hash for record in records})
    lines = [f"{checkpoint}: comparator trained on {len(records)} records of {tasks} tasks"]
    if evaluation is not None:
        write_whole(folder / ACCOUNT, account_text(records, rng_seed=options.rng_seed).encode())
        write_whole(folder / REPORT, evaluation.to_markdown().encode())
        write_whole(folder / TABLE, evaluation.table.map(plain_cell).to_csv(index=False).encode())
        lines += [f"{folder / ACCOUNT}: label noise, gain of training, and what the genes explain"]
        lines += ["Judged on families it has not seen:", "", evaluation.to_markdown()]
    save_comparator(checkpoint, comparator)
    return AhcResult(checkpoint=checkpoint, evaluation=evaluation, text="\n".join(lines))
