"""From a bank to a comparator and an honest account of it: `tscnas ahc`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from ahc.bank import Bank, BankError
from ahc.bank_account import account_text
from ahc.checkpoint import save_comparator
from ahc.evaluation import Evaluation, leave_one_family_out
from ahc.task_embedding import EMBEDDING_VERSION, feature_weights
from ahc.training import train_comparator
from nas.errors import OutputExistsError
from nas.options import AhcOptions

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
        BankError: If the bank is no bank, or holds too little to learn from.
        OutputExistsError: If a comparator is there already and may not be replaced.
    """
    folder = Path(options.output)
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists() and not options.overwrite:
        raise OutputExistsError(f"{checkpoint} exists; choose another --output or pass --overwrite")
    with Bank(options.bank, read_only=True) as bank:
        records = bank.records()
        embeddings = bank.task_embeddings()
    records = [record for record in records if record.task_hash in embeddings]
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
    folder.mkdir(parents=True, exist_ok=True)
    save_comparator(checkpoint, comparator)
    tasks = len({record.task_hash for record in records})
    lines = [f"{checkpoint}: comparator trained on {len(records)} records of {tasks} tasks"]
    if evaluation is not None:
        (folder / ACCOUNT).write_text(account_text(records, rng_seed=options.rng_seed), encoding="utf-8")
        (folder / REPORT).write_text(evaluation.to_markdown(), encoding="utf-8")
        evaluation.table.to_csv(folder / TABLE, index=False)
        lines += [f"{folder / ACCOUNT}: label noise, gain of training, and what the genes explain"]
        lines += ["Judged on families it has not seen:", "", evaluation.to_markdown()]
    return AhcResult(checkpoint=checkpoint, evaluation=evaluation, text="\n".join(lines))
