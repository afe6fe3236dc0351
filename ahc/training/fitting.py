"""The constants of the posterior, from recorded trials: moments that a few odd candidates do not move."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import nnls

from ahc.posterior import SHARES, Constants
from ahc.record import TrialRecord
from ahc.training.comparisons import robust_deviation, task_tables

_MOST = 4.0  # deviations: what lies further out counts as if it lay here
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
    """Estimate the constants of the posterior.

    The variance of gains between candidates of a task is G^2 + 2 (1 - rho) noise^2: tasks of different noise tell G
    and rho apart, by least squares.

    Args:
        records: Trials with a score at each of `SHARES` of their iterations; others are left out.
        foreseen: (task hash, genotype key) -> what a comparator that has not seen the task's family says of the
            untrained encoder and of the gain of training, for which slope and lift are fitted; 0 for candidates that
            are not there.

    Raises:
        ValueError: If no task has such trials.
    """
    tasks: dict[str, list[TrialRecord]] = defaultdict(list)
    for record in records:
        at = [record.iterations * share for share in SHARES]
        if [iteration for iteration, score, _ in record.curve if score is not None] == at:
            tasks[record.task_hash].append(record)
    if not tasks:
        raise ValueError(f"fit_constants: needs trials with a score at {SHARES} of their iterations, got none")
    scales = {table.task_hash: table.scale for table in task_tables(records)}
    n_gains = len(SHARES) - 1
    scores, total, guesses, noises, middles, variances = [], [], [], [], [], []
    for task, trials in tasks.items():
        signs = [1.0 if trial.higher_is_better else -1.0 for trial in trials]
        raw = np.array([[score for _, score, _ in trial.curve] for trial in trials], dtype=float)
        raw *= np.array(signs)[:, None]  # (trials, points)
        centre, unit = scales[task]
        curves = np.clip((raw - centre) / unit, -_MOST, _MOST)
        gains = np.diff(curves, axis=1)
        scores.append(curves[:, 0])
        total.append(gains.sum(axis=1) - np.median(gains.sum(axis=1)))
        said = np.array([(foreseen or {}).get((one.task_hash, one.genotype_key), (0.0, 0.0)) for one in trials])
        guesses.append(said - [said[:, 0].mean(), 0.0])  # a prior's level says nothing: search centres it too
        noises.append(float(np.mean([noise_of(trial) ** 2 for trial in trials])) / unit**2)
        middles.append(np.median(gains, axis=0))
        variances.append([robust_deviation(gain) ** 2 for gain in gains.T])
    design = np.vstack([np.c_[np.eye(n_gains), np.full(n_gains, 2.0 * noise)] for noise in noises])
    *spreads, apart = nnls(design, np.concatenate(variances))[0]
    first, (guess, gain) = np.concatenate(scores), np.concatenate(guesses).T
    slope = float(guess @ first / max(guess @ guess, 1e-12))
    lift = float(gain @ np.concatenate(total) / (gain @ gain)) if gain.any() else 1.0
    counts = [len(trials) for trials in tasks.values()]
    between = robust_deviation(first - slope * guess) ** 2 - float(np.average(noises, weights=counts))
    gain_1, gain_2, gain_3 = np.mean(middles, axis=0).tolist()
    spread_1, spread_2, spread_3 = np.sqrt(spreads).tolist()
    return Constants(
        spread=float(np.sqrt(max(between, 0.0))),
        gains=(gain_1, gain_2, gain_3),
        gain_spreads=(spread_1, spread_2, spread_3),
        correlation=float(np.clip(1.0 - apart, 0.0, 1.0)),
        slope=slope,
        lift=lift,
    )
