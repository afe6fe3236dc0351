"""The constants of the posterior, from recorded trials: moments that a few odd candidates do not move."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from ahc.posterior import SHARES, Constants
from ahc.record import TrialRecord
from ahc.training.comparisons import TaskTable, robust_deviation, teaching_tables

_POOLED = 40  # trials of tasks with like noise, of which a variance is taken
Values = NDArray[np.float64]
_ACCURACY = "accuracy"


def noise_of(record: TrialRecord) -> float:
    """Return the standard error of a recorded accuracy, from its number of cases; 0 where it is not known."""
    cases = record.details.get("n_cases", 0)
    if record.metric != _ACCURACY or not cases or record.score is None:
        return 0.0
    share = min(max(record.score, 0.5 / cases), 1 - 0.5 / cases)  # no share of a few cases is sure
    return float(np.sqrt(share * (1 - share) / cases))


def fit_constants(
    records: Sequence[TrialRecord], *, foreseen: Mapping[tuple[str, str], tuple[float, float]] | None = None
) -> Constants:
    """Estimate the constants of the posterior, on tasks whose noise leaves room between candidates.

    The variance of gains between candidates is G^2 + 2 (1 - rho) noise^2: tasks of different noise tell G and rho
    apart, by least squares.

    Args:
        records: Of untrained encoders, and trials with a score at each of `SHARES` of their iterations; from others
            only the first point is taken.
        foreseen: (task hash, genotype key) -> what a comparator that has not seen the task's family says of the
            untrained encoder and of the gain of training, for which slope and lift are fitted; 0 for candidates that
            are not there.

    Raises:
        ValueError: If no task has trials with those scores.
    """
    foreseen = foreseen or {}
    tables = {table.task_hash: table for table in teaching_tables(records)[0]}
    trained: dict[str, list[TrialRecord]] = defaultdict(list)
    noises: dict[str, list[float]] = defaultdict(list)
    for record in records:
        noises[record.task_hash].append(noise_of(record) ** 2)
        at = [record.iterations * share for share in SHARES]
        if [iteration for iteration, score, _ in record.curve if score is not None] == at:
            trained[record.task_hash].append(record)
    variance = {task: float(np.mean(noises[task])) / table.scale[1] ** 2 for task, table in tables.items()}
    gains, said = {}, {}
    for task in (task for task in tables if trained[task]):
        signs = np.array([1.0 if trial.higher_is_better else -1.0 for trial in trained[task]])
        curves = np.array([[score for _, score, _ in trial.curve] for trial in trained[task]], dtype=float)
        gains[task] = np.diff(tables[task].standardised(curves * signs[:, None]), axis=1)
        said[task] = np.array([foreseen.get((task, trial.genotype_key), (0.0, 0.0))[1] for trial in trained[task]])
    if not gains:
        raise ValueError(f"fit_constants: needs trials with a score at {SHARES} of their iterations, got none")
    slope, spread = _untrained(tables, variance, foreseen)
    spreads, apart = _gain_spreads(gains, variance)
    means = np.median(np.concatenate([*gains.values()]), axis=0)
    told = np.concatenate([*said.values()])
    real = np.concatenate([own.sum(axis=1) for own in gains.values()]) - means.sum()
    return Constants(
        spread=spread,
        gains=(float(means[0]), float(means[1]), float(means[2])),
        gain_spreads=(float(spreads[0]), float(spreads[1]), float(spreads[2])),
        correlation=float(np.clip(1.0 - apart, 0.0, 1.0)),
        slope=slope,
        lift=float(told @ real / (told @ told)) if told.any() else 1.0,
    )


def _untrained(
    tables: Mapping[str, TaskTable],
    variance: Mapping[str, float],
    foreseen: Mapping[tuple[str, str], tuple[float, float]],
) -> tuple[float, float]:
    """Return the slope of untrained scores on what was foreseen of them, and their spread around it."""
    scores, guesses = {}, {}
    for task, table in tables.items():
        known = np.isfinite(table.untrained)
        if known.any():
            said = np.array([foreseen.get((task, key), (0.0, 0.0))[0] for key in table.keys])[known]
            guesses[task] = said - said.mean()  # a prior's level says nothing: search centres it too
            scores[task] = table.standardised(table.untrained)[known]
    guess, score = np.concatenate([*guesses.values()]), np.concatenate([*scores.values()])
    slope = float(guess @ score / max(guess @ guess, 1e-12))
    left = [robust_deviation(scores[task] - slope * guesses[task]) ** 2 - variance[task] for task in scores]
    return slope, float(np.sqrt(max(float(np.median(left)), 0.0)))


def _gain_spreads(gains: Mapping[str, Values], variance: Mapping[str, float]) -> tuple[Values, float]:
    """Return the deviations of the gains without noise, and 1 - rho."""
    design: list[Values] = []
    squares: list[list[float]] = []
    group: list[str] = []
    ordered = sorted(gains, key=lambda task: variance[task])
    for task in ordered:
        group.append(task)
        own = np.concatenate([gains[each] for each in group])
        if len(own) >= _POOLED or (task == ordered[-1] and not design):
            noise = float(np.mean([variance[each] for each in group]))
            design.append(np.c_[np.eye(own.shape[1]), np.full(own.shape[1], 2.0 * noise)])
            squares.append([robust_deviation(gain) ** 2 for gain in own.T])
            group = []
    *spreads, apart = nnls(np.vstack(design), np.concatenate(squares))[0]
    return np.sqrt(np.array(spreads)), float(apart)
