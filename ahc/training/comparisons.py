"""From trial records to comparisons: one table per task and the probability of each order.

Two trials of one candidate differ by noise, which repeats with other rng_seeds
measure. An order between two candidates counts as far as that noise lets it be
real.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ahc.record import EVOLVED, TrialRecord
from search_space.genotype import Genotype

_DEFAULT_NOISE_SHARE = 0.2
_FEWEST_REPEATS = 5
_MOST = 4.0  # deviations: what lies further out counts as if it lay here


Values = NDArray[np.float64]


@dataclass(frozen=True)
class TaskTable:
    """What a bank says about one task.

    Args:
        task_hash: Identity of the task.
        name: Its name.
        family: Source of its data.
        kind: Kind of the task.
        keys: Genotype keys of the candidates with a score.
        scores: Mean over rng_seeds after the longest training that a candidate had, which may be none; larger = better,
            (candidates,).
        untrained: Mean over rng_seeds of the untrained encoders, larger = better, NaN where unknown, (candidates,).
        gains: Scores minus untrained: 0 where training changes nothing, NaN where nobody trained, (candidates,).
        iterations: Of the longest training, (candidates,).
        bred: Of the best of others: they do not show how candidates differ, bool (candidates,).
        seconds: Of an untrained probe, NaN where there was none, (candidates,).
        repeats: Trials behind each score, (candidates,).
        noise_sd: Deviation between repeated trials of one candidate.
        noise_known: Whether this task's own repeats gave `noise_sd`.
        tried: Keys of all candidates that were tried.
        failed: Which of them have no completed trial, bool (len(tried),).
        repeat_scores: First and second trial of repeated candidates, (repeated, 2).
        repeat_gains: Gains of first and second trial of candidates that were trained repeatedly, (repeated, 2).
    """

    task_hash: str
    name: str
    family: str
    kind: str
    keys: tuple[str, ...]
    scores: Values
    untrained: Values
    gains: Values
    iterations: NDArray[np.int64]
    bred: NDArray[np.bool_]
    seconds: Values
    repeats: NDArray[np.int64]
    noise_sd: float
    noise_known: bool
    tried: tuple[str, ...]
    failed: NDArray[np.bool_]
    repeat_scores: Values
    repeat_gains: Values

    @cached_property
    def scale(self) -> tuple[float, float]:
        """Median and robust deviation of the untrained candidates: the unit in which tasks are alike.

        Of all scores where fewer than half of the candidates have an untrained one. Those bred of the best have no say.
        """
        known = self.untrained[np.isfinite(self.untrained) & self._usual]
        values = known if 2 * len(known) >= self._usual.sum() else self.scores[self._usual]
        return (float(np.median(values)), robust_deviation(values)) if len(values) else (0.0, 1.0)

    @property
    def _usual(self) -> NDArray[np.bool_]:
        return self.bred if self.bred.all() else ~self.bred

    @property
    def has_room(self) -> bool:
        """Whether noise leaves something to learn: the best lies twice the noise above the median of those not bred.

        Where fewer than five candidates were repeated, noise is not known well enough to say no.
        """
        above = float(self.scores.max() - np.median(self.scores[self._usual]))
        return len(self.repeat_scores) < _FEWEST_REPEATS or above >= 2.0 * self.noise_sd

    def standardised(self, values: Values | None = None) -> Values:
        """Return scores, or other values in the task's metric, on `scale`, cut at +-4, of the same shape."""
        centre, unit = self.scale
        return np.clip(((self.scores if values is None else values) - centre) / unit, -_MOST, _MOST)

    def standardised_gains(self) -> Values:
        """Return gains in units of `scale`, cut at +-4, (candidates,)."""
        return np.clip(self.gains / self.scale[1], -_MOST, _MOST)

    def log_seconds(self) -> Values:
        """Return the logarithms of seconds over their median, (candidates,)."""
        known = self.seconds[np.isfinite(self.seconds)]
        return np.log(self.seconds / np.median(known)) if len(known) else self.seconds

    def p_better(self, values: Values | None = None) -> Values:
        """Return the probability that row's true score is above column's, (candidates, candidates).

        Args:
            values: Other scores of the same trials, such as `untrained`; `scores` where None.
        """
        scores = self.scores if values is None else values
        deviation = self.noise_sd * np.sqrt(1.0 / self.repeats[:, None] + 1.0 / self.repeats[None, :])
        return np.asarray(ndtr((scores[:, None] - scores[None, :]) / np.maximum(deviation, 1e-12)))


def teaching_tables(records: Sequence[TrialRecord], *, fewest: int = 2) -> tuple[list[TaskTable], list[str]]:
    """Return the tables of the tasks that teach something, and the names of those whose noise leaves no room.

    Args:
        records: As of `task_tables`.
        fewest: Candidates with a score that a task must have.
    """
    tables = [table for table in task_tables(records) if len(table.keys) >= fewest]
    return [table for table in tables if table.has_room], [table.name for table in tables if not table.has_room]


def genotypes_of(records: Iterable[TrialRecord]) -> dict[str, Genotype]:
    """Return each distinct genotype of the records under its key."""
    first: dict[str, TrialRecord] = {}
    for record in records:
        first.setdefault(record.genotype_key, record)
    return {key: Genotype.from_dict(dict(record.genotype)) for key, record in first.items()}


def task_tables(records: Sequence[TrialRecord]) -> list[TaskTable]:
    """Return one table per task, sorted by name.

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
        tables.append(_table(trials))
    return _with_borrowed_noise(sorted(tables, key=lambda table: (table.name, table.task_hash)))


def robust_deviation(values: Values) -> float:
    """Return 0.741 times the interquartile range, the deviation where that is 0, and never 0."""
    if len(values) == 0:
        return 1.0
    spread = float(np.subtract(*np.percentile(values, [75, 25]))) * 0.7413
    if spread <= 0:
        spread = float(np.std(values))
    return spread if spread > 0 else 1.0


def _table(trials: Sequence[TrialRecord]) -> TaskTable:
    by_key: dict[str, dict[int, list[TrialRecord]]] = defaultdict(lambda: defaultdict(list))
    for trial in sorted(trials, key=lambda trial: trial.record_key):
        if trial.status == "completed":
            by_key[trial.genotype_key][trial.iterations].append(trial)
    keys = tuple(sorted(by_key))
    longest = [by_key[key][max(by_key[key])] for key in keys]
    scores = [np.array([trial.oriented_score for trial in own]) for own in longest]
    known = [np.array([trial.oriented_untrained for own in by_key[key].values() for trial in own]) for key in keys]
    repeated = [own for key in keys for own in by_key[key].values() if len(own) > 1]
    values = [np.array([trial.oriented_score for trial in own]) for own in repeated]
    freedom = sum(len(own) - 1 for own in values)
    squares = sum(float(((own - own.mean()) ** 2).sum()) for own in values)
    noise = math.sqrt(squares / freedom) if freedom > 0 else 0.0
    tried = tuple(sorted({trial.genotype_key for trial in trials}))
    bred = {trial.genotype_key for trial in trials if trial.origin == EVOLVED}
    gains = [[trial.trained_gain for trial in own[:2]] for own in repeated if own[0].iterations]
    return TaskTable(
        task_hash=trials[0].task_hash,
        name=trials[0].task_name,
        family=trials[0].family,
        kind=trials[0].kind,
        keys=keys,
        scores=np.array([own.mean() for own in scores], dtype=np.float64),
        untrained=np.array([own[np.isfinite(own)].mean() if np.isfinite(own).any() else np.nan for own in known]),
        gains=np.array([np.mean([trial.trained_gain for trial in own]) for own in longest], dtype=np.float64),
        iterations=np.array([max(by_key[key]) for key in keys], dtype=np.int64),
        bred=np.array([key in bred for key in keys], dtype=np.bool_),
        seconds=np.array([_probe_seconds(by_key[key][0]) for key in keys], dtype=np.float64),
        repeats=np.array([len(own) for own in scores], dtype=np.int64),
        noise_sd=noise,
        noise_known=noise > 0,
        tried=tried,
        failed=np.array([key not in by_key for key in tried], dtype=np.bool_),
        repeat_scores=np.array([own[:2] for own in values]).reshape(-1, 2),
        repeat_gains=np.array(gains, dtype=np.float64).reshape(-1, 2),
    )


def _probe_seconds(probes: Sequence[TrialRecord]) -> float:
    timed = [trial.seconds for trial in probes if trial.seconds > 0]  # 0: nobody took the time
    return float(np.mean(timed)) if timed else math.nan


def _with_borrowed_noise(tables: Sequence[TaskTable]) -> list[TaskTable]:
    shares = [table.noise_sd / table.scale[1] for table in tables if table.noise_known]
    share = float(np.median(shares)) if shares else _DEFAULT_NOISE_SHARE
    return [table if table.noise_known else replace(table, noise_sd=share * table.scale[1]) for table in tables]
