"""`tscnas bank ls`: tasks, families, kinds, protocols, training lengths, and how the trials ended."""

from collections import Counter, defaultdict

from ahc.bank import Bank
from ahc.bank.errors import printable
from ahc.record import STATUSES
from nas.cli.bank.path import bank_path
from nas.cli.text import Shown, counted
from nas.options.bank import BankListOptions
from nas.report.tables import aligned


def list_bank(options: BankListOptions) -> Shown:
    """Return one line per task, protocol and training length, and the totals above.

    Raises:
        BankError: If the file is no bank or is damaged.
    """
    with Bank(bank_path(options.bank), read_only=True) as bank:
        tallies, tasks = bank.tallies(), bank.tasks()
    n_tasks = len({task.task_hash for task in tasks} | {tally.task_hash for tally in tallies})
    n_families = len({task.family for task in tasks} | {tally.family for tally in tallies})
    statuses: Counter[str] = Counter()
    lines: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    seconds: dict[tuple[str, ...], float] = defaultdict(float)
    for tally in tallies:
        statuses[tally.status] += tally.n_trials
        facts = (tally.task_name, tally.family, tally.kind, tally.protocol)
        line = (*facts, tally.task_hash, str(tally.iterations))
        lines[line][tally.status] += tally.n_trials
        seconds[line] += tally.seconds
    embedded = sum(task.embedding is not None for task in tasks)
    shown = [status for status in STATUSES if statuses[status]]
    shown += [status for status in sorted(statuses) if status not in STATUSES]
    ended = ", ".join(f"{statuses[status]:,} {printable(status)}" for status in shown) or "none"
    head = [
        f"{options.bank}: {counted(sum(statuses.values()), 'trial')} ({ended})",
        f"{counted(n_tasks, 'task')} of {n_families} {'family' if n_families == 1 else 'families'}, "
        f"{embedded} with an embedding",
    ]
    if not lines:
        return Shown("\n".join(head))
    rows = [
        [
            *(printable(fact, longest=40) for fact in line),
            *(f"{counts[status]:,}" for status in shown),
            f"{seconds[line]:,.0f}",
        ]
        for line, counts in lines.items()
    ]
    ends = [printable(status) for status in shown]
    names = ["task", "family", "kind", "protocol", "hash", "iterations", *ends, "seconds"]
    return Shown("\n".join([*head, "", aligned(names, rows, numbers_from=5)]))
