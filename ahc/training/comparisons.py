"""From trial records to comparisons: one table per task and the probability of each order.

Two trials of one candidate differ by noise, which repeats with other rng_seeds
measure. An order between two candidates counts as far as that noise lets it be
real.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ahc.record import TrialRecord
from search_space.genotype import Genotype

_DEFAULT_NOISE_SHARE = 0.2
_FEWEST_AT_A_FIDELITY = 8


@dataclass(frozen=True)
class TaskTable:
    """What a bank says about one task, at one fidelity.

    Args:
        task_hash: Identity of the task.
        name: Its name.
        family: Source of its data.
        kind: forecasting, classification or anomaly.
        keys: Genotype keys of the candidates with a score.
        scores: Mean over rng_seeds, larger = better, (candidates,).
        repeats: Trials behind each score, (candidates,).
        gains: Trained minus untrained, NaN where unknown, (candidates,).
        noise_sd: Deviation between repeated trials of one candidate.
        noise_known: Whether this task's own repeats gave `noise_sd`.
        tried: Keys of all candidates that were tried.
        failed: Which of them have no completed trial, bool (len(tried),).
        repeat_scores: First and second trial of repeated candidates, (repeated, 2).
    """

    task_hash: str
    name: str
    family: str
    kind: str
    keys: tuple[str, ...]
    scores: NDArray[np.float64]
    repeats: NDArray[np.int64]
    gains: NDArray[np.float64]
    noise_sd: float
    noise_known: bool
    tried: tuple[str, ...]
    failed: NDArray[np.bool_]
    repeat_scores: NDArray[np.float64]

    def standardised(self) -> NDArray[np.float64]:
        """Return scores minus their median over their robust deviation, cut at +-4, (candidates,)."""
        if len(self.scores) == 0:
            return self.scores
        return np.clip((self.scores - np.median(self.scores)) / robust_deviation(self.scores), -4.0, 4.0)

    def standardised_gains(self) -> NDArray[np.float64]:
        """Return gains in units of the scores' robust deviation, cut at +-4, (candidates,)."""
        return np.clip(self.gains / robust_deviation(self.scores), -4.0, 4.0)

    def p_better(self) -> NDArray[np.float64]:
        """Return the probability that row's true score is above column's, (candidates, candidates)."""
        deviation = self.noise_sd * np.sqrt(1.0 / self.repeats[:, None] + 1.0 / self.repeats[None, :])
        return np.asarray(ndtr((self.scores[:, None] - self.scores[None, :]) / np.maximum(deviation, 1e-12)))


def genotypes_of(records: Iterable[TrialRecord]) -> dict[str, Genotype]:
    """Return each distinct genotype of the records under its key."""
    first: dict[str, TrialRecord] = {}
    for record in records:
        first.setdefault(record.genotype_key, record)
    return {key: Genotype.from_dict(dict(record.genotype)) for key, record in first.items()}


def task_tables(records: Sequence[TrialRecord]) -> list[TaskTable]:
    """Return one table per task, sorted by name, from the fullest training each task has.

    Tasks whose candidates were never repeated borrow the noise of the others, as
    a share of the spread between candidates.

    Raises:
        ValueError: If the records of a task mix protocols, metrics or directions.
    """
    by_task: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in records:
        by_task[record.task_hash].append(record)
    tables = []
    for trials in by_task.values():
        facts = {(trial.protocol, trial.metric, trial.higher_is_better) for trial in trials}
        if len(facts) > 1:
            name = trials[0].task_name
            raise ValueError(f"task {name!r}: all trials must share one protocol and metric, got {sorted(facts)}")
        tables.append(_table(_at_label_fidelity(trials)))
    return _with_borrowed_noise(sorted(tables, key=lambda table: (table.name, table.task_hash)))


def robust_deviation(values: NDArray[np.float64]) -> float:
    """Return 0.741 times the interquartile range, the deviation where that is 0, and never 0."""
    if len(values) == 0:
        return 1.0
    spread = float(np.subtract(*np.percentile(values, [75, 25]))) * 0.7413
    if spread <= 0:
        spread = float(np.std(values))
    return spread if spread > 0 else 1.0


def _at_label_fidelity(trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    # A cheap fidelity is no label: take the longest training that enough candidates had.
    candidates = {fidelity: set[str]() for fidelity in {trial.iterations for trial in trials}}
    for trial in trials:
        candidates[trial.iterations].add(trial.genotype_key)
    enough = [fidelity for fidelity, keys in candidates.items() if len(keys) >= _FEWEST_AT_A_FIDELITY]
    label = max(enough) if enough else max(candidates, key=lambda fidelity: (len(candidates[fidelity]), fidelity))
    return [trial for trial in trials if trial.iterations == label]


def _table(trials: Sequence[TrialRecord]) -> TaskTable:
    by_key: dict[str, list[TrialRecord]] = defaultdict(list)
    for trial in trials:
        if trial.status == "completed":
            by_key[trial.genotype_key].append(trial)
    keys = tuple(sorted(by_key))
    scores = [np.array([trial.oriented_score for trial in by_key[key]]) for key in keys]
    gains = [np.array([trial.trained_gain for trial in by_key[key]]) for key in keys]
    freedom = sum(len(values) - 1 for values in scores)
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in scores)
    noise = math.sqrt(squares / freedom) if freedom > 0 else 0.0
    tried = tuple(sorted({trial.genotype_key for trial in trials}))
    return TaskTable(
        task_hash=trials[0].task_hash,
        name=trials[0].task_name,
        family=trials[0].family,
        kind=trials[0].kind,
        keys=keys,
        scores=np.array([values.mean() for values in scores], dtype=np.float64),
        repeats=np.array([len(values) for values in scores], dtype=np.int64),
        gains=np.array([values.mean() for values in gains], dtype=np.float64),
        noise_sd=noise,
        noise_known=noise > 0,
        tried=tried,
        failed=np.array([key not in by_key for key in tried], dtype=np.bool_),
        repeat_scores=np.array([values[:2] for values in scores if len(values) > 1]).reshape(-1, 2),
    )


def _with_borrowed_noise(tables: Sequence[TaskTable]) -> list[TaskTable]:
    shares = [table.noise_sd / robust_deviation(table.scores) for table in tables if table.noise_known]
    share = float(np.median(shares)) if shares else _DEFAULT_NOISE_SHARE
    return [
        table if table.noise_known else replace(table, noise_sd=share * robust_deviation(table.scores))
        for table in tables
    ]
