"""`tscnas bank show`: one candidate in words, its trials, and their curves."""

from collections.abc import Sequence

from ahc.bank import Bank
from ahc.bank.errors import printable
from ahc.record import TrialRecord
from nas.cli.bank.path import bank_path
from nas.cli.text import Shown
from nas.errors import OptionError
from nas.options.bank import BankShowOptions
from nas.report.tables import aligned
from search_space.genotype import Genotype, GenotypeError

_MOST_NAMED = 8
_BAR = 40
_TRIALS = ("task", "protocol", "iterations", "rng_seed", "status", "metric", "score", "at", "untrained", "seconds")


def show_candidate(options: BankShowOptions) -> Shown:
    """Return a candidate with its trials; of a single trial also every fact and its curve as a picture.

    Raises:
        BankError: If the file is no bank or is damaged.
        OptionError: If the key fits none or several candidates, or no trial is left.
    """
    path = bank_path(options.bank)
    with Bank(path, read_only=True) as bank:
        records = bank.records_of(options.key)
    if not records:
        raise OptionError(f"key: {path} holds no candidate whose key begins with {options.key!r}")
    keys = sorted({record.genotype_key for record in records})
    if len(keys) > 1:
        named = ", ".join(printable(key) for key in keys[:_MOST_NAMED]) + ", ..." * (len(keys) > _MOST_NAMED)
        raise OptionError(f"key: {len(keys)} candidates begin with {options.key!r}: {named}")
    trials = [
        record
        for record in records
        if options.task in (None, record.task_name, record.task_hash)
        and options.iterations in (None, record.iterations)
        and options.rng_seed in (None, record.rng_seed)
    ]
    if not trials:
        tasks = ", ".join(sorted({printable(record.task_name) for record in records})[:_MOST_NAMED])
        raise OptionError(f"no trial of {printable(keys[0])} fits; it was tried on {tasks}")
    parts = [f"candidate {printable(keys[0])}", _in_words(trials[0]), _table(trials)]
    parts.append(_facts(trials[0]) if len(trials) == 1 else _curves(trials))
    return Shown("\n\n".join(parts))


def _in_words(record: TrialRecord) -> str:
    try:
        return Genotype.from_dict(record.genotype).describe()
    except GenotypeError as error:
        return f"its genotype cannot be read: {printable(str(error).splitlines()[0])}"


def _table(trials: Sequence[TrialRecord]) -> str:
    rows = [
        [
            printable(trial.task_name, longest=40),
            printable(trial.protocol, longest=40),
            str(trial.iterations),
            str(trial.rng_seed),
            trial.status,
            printable(trial.metric, longest=20),
            _figure(trial.score),
            "-" if trial.best_iteration is None else str(trial.best_iteration),
            _figure(trial.untrained_score),
            f"{trial.seconds:.1f}",
        ]
        for trial in trials
    ]
    return aligned(_TRIALS, rows, numbers_from=len(_TRIALS))


def _curves(trials: Sequence[TrialRecord]) -> str:
    lines = ["curves (iteration:score)"]
    for trial in trials:
        message = trial.details.get("message")
        curve = " ".join(f"{at}:{_figure(score)}" for at, score, _ in trial.curve)
        curve = curve or "no curve" + (f" ({printable(message)})" if message else "")
        task = printable(trial.task_name, longest=40)
        lines.append(f"{task}, seed {trial.rng_seed}, {trial.iterations} iterations: {curve}")
    return "\n".join(lines)


def _facts(trial: TrialRecord) -> str:
    lines = [
        f"task {printable(trial.task_hash)}, family {printable(trial.family)}, {printable(trial.kind)}",
        f"{trial.n_parameters:,} parameters, tried as {trial.origin}, {printable(trial.created)}, "
        f"software {printable(trial.code_version)}",
    ]
    lines += [f"{printable(name)}: {printable(value, longest=400)}" for name, value in sorted(trial.details.items())]
    if not trial.curve:
        return "\n".join([*lines, "", "no curve"])
    better = "higher" if trial.higher_is_better else "lower"
    scores = [score for _, score, _ in trial.curve if score is not None]
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    rows = [[str(at), _figure(score), _figure(loss), _bar(score, low, high)] for at, score, loss in trial.curve]
    head = ("iteration", f"{printable(trial.metric)} ({better} is better)", "contrastive loss", "")
    width = max(len(row[3]) for row in rows)
    table = aligned(head, [[*row[:3], row[3].ljust(width)] for row in rows], numbers_from=0)
    return "\n".join([*lines, "", table])


def _bar(score: float | None, low: float, high: float) -> str:
    if score is None:
        return ""
    return "█" * (1 + round((_BAR - 1) * (score - low) / (high - low))) if high > low else "█"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
