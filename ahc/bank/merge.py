"""Several banks as one: the same set of trials whatever the order, and however often a bank is named."""

import heapq
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from ahc.bank.errors import BankError, printable
from ahc.bank.rows import TaskEntry, to_row
from ahc.bank.store import Bank, check_free, new_bank
from ahc.record import TrialRecord


@dataclass
class MergeResult:
    """What a merge put together; `contradictions` are the keys under which banks hold different scores."""

    sources: tuple[tuple[Path, int], ...]
    n_trials: int = 0
    n_doubled: int = 0
    n_tasks: int = 0
    contradictions: list[tuple[str, str, str, int, int]] = field(default_factory=list)


def merge_banks(
    sources: Sequence[Path], output: Path, *, mix_protocols: bool = False, overwrite: bool = False
) -> MergeResult:
    """Write the union of banks as a new bank, its trials in the order of their keys.

    Of different trials with one key the same one is kept whatever the order: a completed one before a failed one,
    then the older one. Of a task's entries, the one with the newest embedding. All is streamed, so the memory does
    not grow with the banks.

    Args:
        sources: The banks, read only.
        output: The new bank.
        mix_protocols: Put scores of different protocol versions into one bank.
        overwrite: Replace `output`.

    Returns:
        Counts, and what contradicted.

    Raises:
        BankError: If a source is no bank or is damaged, if `output` exists, or if protocol or embedding versions
            differ and mixing them was not asked for.
    """
    check_free(output, overwrite=overwrite)
    if any(output.exists() and source.exists() and output.samefile(source) for source in sources):
        raise BankError(f"{output} is one of the banks to merge; choose another --output")
    with ExitStack() as stack:
        banks = [stack.enter_context(Bank(source, read_only=True)) for source in sources]
        if not mix_protocols:
            _check_versions(banks)
        result = MergeResult(tuple((bank.path, len(bank)) for bank in banks))
        merged = stack.enter_context(new_bank(output, overwrite=overwrite))
        for entry in _united_tasks(banks):
            merged.add_entry(entry)
            result.n_tasks += 1
        result.n_trials = merged.add_all(_united_trials(banks, result))
    return result


def _check_versions(banks: Sequence[Bank]) -> None:
    """Refuse protocols of one kind of task, or embeddings, that must not be compared."""
    versions: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for bank in banks:
        for tally in bank.tallies():
            versions[f"{printable(tally.kind)} protocols"][printable(tally.protocol)].add(str(bank.path))
        for task in bank.tasks():
            if task.embedding is not None and task.embedding_version:
                versions["task embeddings"][f"version {printable(task.embedding_version)}"].add(str(bank.path))
    mixed = []
    for what, of_kind in sorted(versions.items()):
        named = [f"{name} ({', '.join(sorted(paths))})" for name, paths in sorted(of_kind.items())]
        mixed += [f"{what} {', '.join(named)}"] * (len(named) > 1)
    if mixed:
        raise BankError(
            f"the banks were made with different versions, whose figures do not compare: {'; '.join(mixed)}; "
            "--mix-protocols puts them into one bank nevertheless"
        )


def _united_trials(banks: Sequence[Bank], result: MergeResult) -> Iterator[TrialRecord]:
    streams = [bank.records_by_key() for bank in banks]
    for key, same in groupby(heapq.merge(*streams, key=attrgetter("record_key")), key=attrgetter("record_key")):
        trials = list(same)
        result.n_doubled += len(trials) - 1
        if any((trial.status, trial.score) != (trials[0].status, trials[0].score) for trial in trials):
            result.contradictions.append(key)
        yield min(trials, key=_rank_of_trial)


def _rank_of_trial(record: TrialRecord) -> tuple[Any, ...]:
    """Return what orders the trials of one key, all the way: equal ranks are equal trials."""
    return (record.status != "completed", record.created, json.dumps(to_row(record)))


def _united_tasks(banks: Sequence[Bank]) -> Iterator[TaskEntry]:
    entries = sorted((entry for bank in banks for entry in bank.tasks()), key=attrgetter("task_hash"))
    for _, same in groupby(entries, key=attrgetter("task_hash")):
        yield max(same, key=_rank_of_task)


def _rank_of_task(entry: TaskEntry) -> tuple[Any, ...]:
    embedding, version = entry.embedding or b"", entry.embedding_version
    return (bool(embedding), len(version), version, embedding, *entry[1:5])
